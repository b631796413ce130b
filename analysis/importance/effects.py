"""What moves a metric: main effects and two-way interactions over a factorial, by ANOVA of ranks; and divergence.

Source: Conover & Iman 1981 for the rank transformation; DIVERGED runs share the worst rank, so that they count.

Shares describe the runs that there are. p values are about others like them, of which configurations are the units: runs
of one configuration are no independent facts. So a hyper-parameter is tested against what configurations differ by
beyond it, λ and the algorithm against how much their effect differs between configurations. Interactions have no p: ranks
make one where effects add up on the metric's own scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis import rows, states
from analysis.importance.shares import shares
from analysis.statistics import estimates
from analysis.statistics.estimates import Interval
from analysis.statistics.linear_models import (
    Cells,
    Term,
    between_units,
    contrasts,
    logistic_deviance,
    within_units,
)
from analysis.vocabulary import Floats, Measure
from result_names import exact

ALGORITHM = "algorithm"

UNIT = " unit"
"""Column of what is independent in the rows: beside those of factors, whose names have no space."""


@dataclass(frozen=True)
class Effect:
    """One term of an analysis of variance, or what no term explains.

    Attributes:
        term: its factors; none of the residual.
        interval: share of the total sum of squares (η²), in [0, 1], with its interval over configurations.
        p: of a main effect, in its stratum, with Holm's correction over main effects; NaN of another.
    """

    term: Term
    interval: Interval
    p: float

    @property
    def share(self) -> float:
        return self.interval.point


@dataclass(frozen=True)
class Cause:
    """One factor's part in divergence.

    Attributes:
        factor: a hyper-parameter, or the algorithm.
        deviance: what the logistic model of all factors loses without this one.
        p: of its main effect on the share DIVERGED, in its stratum, with Holm's correction over all factors.
        worst: the level that diverged most often, in words.
        diverged, results: counts at that level.
    """

    factor: str
    deviance: float
    p: float
    worst: str
    diverged: int
    results: int


def factors(runs: pd.DataFrame, hyper_parameters: Sequence[str]) -> list[str]:
    """The hyper-parameters, λ and the algorithm, as far as they take more than one value."""
    return rows.varying(runs, (*hyper_parameters, "lam", ALGORITHM))


def effects(runs: pd.DataFrame, names: Sequence[str], measure: Measure) -> list[Effect]:
    """Every main effect and two-way interaction on the rank of a metric, and the residual; the largest share first.

    A term's sum of squares is what it adds to all others but those that contain it (type II); in a full factorial
    terms are orthogonal and this is the term's own.

    Args:
        runs: every row of a study, of any outcome; COMPLETED ones with a value and, of systems that have the metric, DIVERGED
            ones are counted.
        names: factors, each with two levels or more.
        measure: the metric.

    Returns:
        Nothing where `obstacle` says why.
    """
    found, names, values = _counted(runs, names, measure)
    if not names or values.min() == values.max():
        return []
    ranks = stats.rankdata(measure.better * values)
    table, cells = _cells(found, names, ranks)
    measured = shares(cells, {name: contrasts(table[name]) for name in names}, table[UNIT])
    ps = _main_effects(table, cells) if measured else {}
    effects = [
        Effect(term, own, ps[term[0]] if len(term) == 1 else float("nan")) for term, own in measured.items()
    ]
    return sorted(effects, key=lambda effect: -effect.share)


def main_effects(runs: pd.DataFrame, names: Sequence[str], values: Floats) -> dict[str, float]:
    """Factor -> p of its main effect on values [n], each factor in its stratum, with Holm's correction.

    Args:
        runs: [n] rows; what is independent in them is `rows.unit`.
        names: factors, each with two levels or more.
        values: [n], such as ranks.
    """
    return _main_effects(*_cells(runs, names, values))


def _main_effects(table: pd.DataFrame, cells: Cells) -> dict[str, float]:
    """`main_effects` on values in cells.

    Args:
        table: UNIT and factors, each with two levels or more, of each cell [c].
        cells: the values.
    """
    unit, names = table[UNIT], [name for name in table if name != UNIT]
    units = unit.nunique()
    within = [name for name in names if len(table[[UNIT, name]].drop_duplicates()) > units]
    between = [name for name in names if name not in within]
    counts = pd.Series(cells.counts, table.index)

    def mean(values: pd.Series, by: list[pd.Series]) -> pd.Series:
        return (values * counts).groupby(by).sum() / counts.groupby(by).sum()

    def centred(others: Sequence[str]) -> pd.Series:
        """The values without the mean of their cell of these factors, so that a missing run leaves no effect of them."""
        own, by = pd.Series(cells.means, table.index), [table[name] for name in others]
        if not others:
            return own
        return own - (own * counts).groupby(by).transform("sum") / counts.groupby(by).transform("sum")

    ps = {}
    if between:
        each = table.drop_duplicates(UNIT).set_index(UNIT).sort_index()
        means = mean(centred(within), [unit]).sort_index()
        ps = between_units(means.to_numpy(float), {name: contrasts(each[name]) for name in between})
    for name in within:
        others = [other for other in within if other != name]
        levels = mean(centred(others), [unit, table[name]]).unstack()
        ps[name] = within_units(levels.to_numpy(float))
    return dict(zip(names, estimates.holm([ps[name] for name in names]), strict=True))


def _cells(runs: pd.DataFrame, names: Sequence[str], values: Floats) -> tuple[pd.DataFrame, Cells]:
    """UNIT and factors of every cell of rows that agree in them, in order of their first rows, and the values in cells."""
    unit = rows.unit(runs)
    cell = np.zeros(len(runs), np.intp)
    for name in (unit, *names):
        codes, levels = pd.factorize(runs[name])
        cell = pd.factorize(cell * len(levels) + codes)[0]
    first = np.unique(cell, return_index=True)[1]
    table = runs[list(names)].assign(**{UNIT: runs[unit]}).iloc[first]
    return table.reset_index(drop=True), Cells.of(values, cell)


def obstacle(runs: pd.DataFrame, names: Sequence[str], measure: Measure) -> str:
    """Why `effects` finds nothing in the same runs, in words."""
    found, names, values = _counted(runs, names, measure)
    if not len(values):
        return "no run has it"
    if not names:
        return "all runs are at one configuration, λ and system"
    if len(set(values)) < 2:
        return "all runs have the same"
    for one, other in combinations(names, 2):
        cells = pd.crosstab(found[one].to_numpy(), found[other].to_numpy()).to_numpy()
        if (cells == 0).any():
            both = " and ".join("λ" if name == "lam" else name for name in (one, other))
            return f"the runs do not have every combination of {both}, so that no effect can be told from another"
    return "the runs are too few to tell all main effects and interactions apart"


def _counted(
    runs: pd.DataFrame, names: Sequence[str], measure: Measure
) -> tuple[pd.DataFrame, list[str], Floats]:
    """Rows with a rank, factors that take two values among them, and the values to rank."""
    ranked = states.ranked(runs, measure, states.systems_with(runs, measure.column))
    found = runs[~np.isnan(ranked)]
    return found, [name for name in names if found[name].nunique() > 1], ranked[~np.isnan(ranked)]


def causes(runs: pd.DataFrame, names: Sequence[str]) -> list[Cause]:
    """Which factors go with divergence: a logistic model of all of them, each left out in turn; the strongest first.

    Args:
        runs: rows of any outcome; COMPLETED and DIVERGED ones are counted.
        names: factors; those with one level among the counted rows are left out.

    Returns:
        Nothing where no run or every run DIVERGED.
    """
    found = rows.results(runs)
    names = [name for name in names if found[name].nunique() > 1]
    diverged = states.diverged(found).astype(float)
    if not 0 < diverged.sum() < len(diverged):
        return []
    own, cells = _cells(found, names, diverged)
    columns = {name: contrasts(own[name]) for name in names}
    whole = logistic_deviance(cells.means, list(columns.values()), cells.counts)
    lost = [
        logistic_deviance(cells.means, [columns[n] for n in names if n != name], cells.counts) - whole
        for name in names
    ]
    ps = _main_effects(own, cells)
    table = []
    for name, deviance in zip(names, lost, strict=True):
        levels = pd.Series(diverged).groupby(found[name].to_numpy()).agg(["mean", "sum", "size"])
        worst = levels["mean"].idxmax()
        words = exact(worst) if isinstance(worst, float) else str(worst)
        counts = levels.loc[worst]
        table.append(
            Cause(name, max(deviance, 0.0), ps[name], words, int(counts["sum"]), int(counts["size"]))
        )
    return sorted(table, key=lambda cause: -cause.deviance)
