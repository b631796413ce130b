"""What moves a metric: main effects and two-way interactions over a factorial, by ANOVA of ranks; and divergence.

Source: Conover & Iman 1981 for the rank transformation; DIVERGED runs share the worst rank, so that they count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis import estimates, rows, states
from analysis.linear_models import Term, analysis_of_variance, contrasts, logistic_deviance
from analysis.measures import Floats, Measure
from result_schema import exact

ALGORITHM = "algorithm"


@dataclass(frozen=True)
class Effect:
    """One term of an analysis of variance.

    Attributes:
        term: its factors.
        share: of the total sum of squares (η²), in [0, 1].
        p: of its F test, with Holm's correction over all terms.
    """

    term: Term
    share: float
    p: float


@dataclass(frozen=True)
class Cause:
    """One factor's part in divergence.

    Attributes:
        factor: a hyper-parameter, or the algorithm.
        deviance: what the logistic model of all factors loses without this one (likelihood ratio, χ²).
        p: of that, with Holm's correction over all factors.
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
    return [name for name in (*hyper_parameters, "lam", ALGORITHM) if runs[name].nunique() > 1]


def effects(runs: pd.DataFrame, names: Sequence[str], measure: Measure) -> list[Effect]:
    """Every main effect and two-way interaction on the rank of a metric, the largest share first.

    A term's sum of squares is what it adds to all others but those that contain it (type II); in a full factorial
    terms are orthogonal and this is the term's own. Seeds are replications.

    Args:
        runs: every row of a study, of any outcome; COMPLETED ones with a value and, of systems that have the metric, DIVERGED
            ones are counted.
        names: factors, each with two levels or more.
        measure: the metric.

    Returns:
        Nothing where `obstacle` says why.
    """
    found, names, values = _counted(runs, names, measure)
    if not names or len(set(values)) < 2:
        return []
    ranks = stats.rankdata(measure.better * values)
    tests = analysis_of_variance(ranks, {name: contrasts(found[name]) for name in names})
    whole = float(np.sum((ranks - ranks.mean()) ** 2))
    ps = estimates.holm([test.p for test in tests])
    measured = [Effect(test.term, test.squares / whole, p) for test, p in zip(tests, ps, strict=True)]
    return sorted(measured, key=lambda effect: -effect.share)


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
        names: factors, each with two levels or more.

    Returns:
        Nothing where no run or every run DIVERGED.
    """
    found = rows.results(runs)
    diverged = states.diverged(found).astype(float)
    if not 0 < diverged.sum() < len(diverged):
        return []
    columns = {name: contrasts(found[name]) for name in names}
    whole = logistic_deviance(diverged, list(columns.values()))
    lost = [logistic_deviance(diverged, [columns[n] for n in names if n != name]) - whole for name in names]
    ps = [float(stats.chi2.sf(max(d, 0.0), columns[n].shape[1])) for n, d in zip(names, lost, strict=True)]
    table = []
    for name, deviance, p in zip(names, lost, estimates.holm(ps), strict=True):
        levels = pd.Series(diverged).groupby(found[name].to_numpy()).agg(["mean", "sum", "size"])
        worst = levels["mean"].idxmax()
        words = exact(worst) if isinstance(worst, float) else str(worst)
        counts = levels.loc[worst]
        table.append(Cause(name, max(deviance, 0.0), p, words, int(counts["sum"]), int(counts["size"])))
    return sorted(table, key=lambda cause: -cause.deviance)
