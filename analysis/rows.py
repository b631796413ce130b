"""A study's rows as the analysis uses them: one budget, read through the result schema."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

import result_manifest
import result_reading
import result_schema
from analysis import states
from analysis.levels import levelled, without_lambda
from analysis.stored_names import HEADLINE_OF_POSTERIORS, MODES
from analysis.versions import Superseded, newest
from analysis.vocabulary import Measure
from result_files import PlaceError
from result_manifest import Manifest, SchemaError
from result_names import exact, in_reading_order
from result_pictures import Pictures, read_pictures
from result_schema import GRID, HEADLINE, Outcome

RESULTS = (Outcome.COMPLETED.value, Outcome.DIVERGED.value)
"""Outcomes that are results at the declared budget, and so stand in every denominator.

FAILED is no result: the run is tried again. STOPPED was ended early by a scheduler: its metrics belong to
fewer iterations than declared, and rows of different budgets are never pooled. Both are counted and shown.
"""

Points = npt.NDArray[np.float32]
"""Generated points, [n, *shape of one]."""

NOT_RECORDED = "not recorded"
"""In place of a sampler's name, in a searched study whose rows were stored before they said it."""

HAS_NONE = "–"
"""Level of a hyper-parameter in runs that have it not, such as a convolution's channels in those of perceptrons."""

MOST_LEVELS = 8
"""Numbers of a hyper-parameter are told one by one up to so many."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_REPEATED = ("study", "cohort_key", "git_commit", "versions")
"""Columns of long texts that many rows share, of which each is held once."""


@dataclass(frozen=True)
class Modes:
    """Equally likely Gaussians that the data were drawn from.

    Attributes:
        means: of each, in coordinates of a point.
        std: standard deviation of all.
    """

    means: tuple[tuple[float, ...], ...]
    std: float


@dataclass(frozen=True)
class Rows:
    """The rows of one study at one budget.

    Attributes:
        where: the directory or URI they came from.
        manifest: what the directory says about itself.
        budget: declared iterations of every row kept.
        other_budgets: declared iterations -> rows left out, for the report to state.
        runs: one row per run, columns as in `result_schema.runs_schema`; of an algorithm without λ one at each λ (`levels.levelled`).
        curves: one row per (run, iteration) of those runs, in no order, with the metrics of the headline.
        sampler: what proposed every row kept; NOT_RECORDED where rows were stored before they said it.
        other_samplers: sampler -> rows of this budget that are left out, for the report to state.
        superseded: rows of earlier versions that are left out, for the report to state.
    """

    where: str
    manifest: Manifest
    budget: int
    other_budgets: dict[int, int]
    runs: pd.DataFrame
    curves: pd.DataFrame
    sampler: str = GRID
    other_samplers: dict[str, int] = field(default_factory=dict)
    superseded: Superseded = field(default_factory=Superseded)

    @cached_property
    def algorithms(self) -> list[str]:
        """Algorithms found, the regularised systems first, unknown ones last by name."""
        return in_reading_order(set(self.runs["algorithm"].unique()))

    @cached_property
    def trained(self) -> pd.DataFrame:
        """One row per run that was trained: `runs` has those of an algorithm without λ at every λ."""
        return self.runs.drop_duplicates("run_key") if self.level else self.runs

    @cached_property
    def level(self) -> frozenset[str]:
        """Algorithms without λ, which are the same at every λ."""
        return without_lambda(self.algorithms, self.manifest)

    @property
    def has_lambda(self) -> bool:
        """Whether an algorithm has λ; elsewhere there is nothing to say of it."""
        return len(self.level) < len(self.algorithms)

    @cached_property
    def lambdas(self) -> list[float]:
        """λ found, ascending."""
        return sorted(float(lam) for lam in self.runs["lam"].unique())

    @cached_property
    def vocabulary(self) -> dict[str, Measure]:
        """Every metric of the manifest by name, on its natural scale."""
        return {info.name: Measure.of(info) for info in self.manifest.metrics}

    @cached_property
    def headline(self) -> tuple[Measure, ...]:
        """Metrics that the study is about, as far as an algorithm has them; where none has any, the first two measured, if any."""
        names = self.manifest.headline
        if self.manifest.coordinates and names == HEADLINE:
            names = HEADLINE_OF_POSTERIORS
        declared = [self.vocabulary[name] for name in names if name in self.vocabulary and self.having(name)]
        measured = [m for m in self.vocabulary.values() if self.measured(m.column)]
        return tuple(
            declared
            or measured[:2]
            or [self.vocabulary[name] for name in names if name in self.vocabulary and name in self.runs]
        )

    @cached_property
    def leading(self) -> tuple[Measure, ...]:
        """The headline with ratios last: errors of reconstruction come after the metric that systems are ranked by."""
        return tuple(sorted(self.headline, key=lambda m: m.ratio))

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """Every metric that a COMPLETED run has, on its natural scale: the headline first, of the others ratios last."""
        others = sorted(
            (m for m in self.vocabulary.values() if m not in self.headline), key=lambda m: m.ratio
        )
        return tuple(m for m in (*self.headline, *others) if self.measured(m.column))

    @cached_property
    def modes(self) -> Modes | None:
        """Modes of the data; None where none are known."""
        if self.manifest.modes:
            return Modes(self.manifest.modes, self.manifest.mode_std)
        stored = MODES.get(self.runs["data_version"].iloc[0])
        return Modes(*stored) if stored else None

    def measured(self, column: str) -> bool:
        """Whether a COMPLETED run has a value of this metric, finite or infinite."""
        return column in self.runs and bool((self.runs[column].notna() & self._completed).any())

    @cached_property
    def _completed(self) -> pd.Series:
        return self.runs["outcome"] == Outcome.COMPLETED.value

    def having(self, column: str) -> frozenset[str]:
        """Algorithms that have this metric (`states.systems_with`)."""
        return _having(self, column)

    @cached_property
    def kept(self) -> dict[Hashable, Any]:
        """Results of functions that are computed `once`."""
        return {}

    @cached_property
    def unit(self) -> str:
        """The column of what is independent in this study (`unit`), also where part of it DIVERGED."""
        return unit(self.runs)

    def group(self, algorithm: str, lam: float) -> pd.DataFrame:
        """Every row, of any outcome, of one algorithm at one λ; possibly empty."""
        return self._groups.get((algorithm, lam), self.runs.iloc[:0])

    def evaluations(
        self, runs: pd.DataFrame, column: str
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Iterations [t] at which some of its runs [n] were evaluated, and a metric there, [n, t]; NaN where there is none."""
        numbers, owners = self._owners
        place = np.full(len(numbers) + 1, -1)  # the last one of curves of no run here
        place[numbers.loc[runs.index]] = np.arange(len(runs))
        own = place[owners]
        there = own >= 0
        iterations, at = np.unique(self.curves["iteration"].to_numpy()[there], return_inverse=True)
        values = np.full((len(runs), len(iterations)), np.nan)
        if column in self.curves:  # else a metric of the end alone
            values[own[there], at] = self.curves[column].to_numpy(float)[there]
        return iterations.astype(float), values

    @cached_property
    def _owners(self) -> tuple[pd.Series, npt.NDArray[np.intp]]:
        """Numbers of runs: of each row of `runs`, where a run may stand at several λ, and of each row of `curves`."""
        numbers, keys = pd.factorize(self.runs["run_key"])
        owners = pc.index_in(
            pa.array(self.curves["run_key"], pa.string()), value_set=pa.array(keys, pa.string())
        )
        return pd.Series(numbers, self.runs.index), owners.fill_null(len(keys)).to_numpy(zero_copy_only=False)

    @cached_property
    def _groups(self) -> dict[tuple[str, float], pd.DataFrame]:
        return {(str(a), float(lam)): group for (a, lam), group in self.runs.groupby(["algorithm", "lam"])}


def once(
    function: Callable[Concatenate[Rows, Arguments], Result],
) -> Callable[Concatenate[Rows, Arguments], Result]:
    """A function of a study and hashable arguments, whose results are kept as long as the study, and not to be changed."""

    @wraps(function)
    def kept(study: Rows, *arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        key = (function, arguments, *named.items())
        if key not in study.kept:
            study.kept[key] = function(study, *arguments, **named)
        found: Result = study.kept[key]
        return found

    return cast(Callable[Concatenate[Rows, Arguments], Result], kept)


@once
def _having(study: Rows, column: str) -> frozenset[str]:
    return states.systems_with(study.runs, column)


def unit(runs: pd.DataFrame) -> str:
    """The column of what is independent in these rows: the configuration, in which seeds are nested; of one, the seed."""
    return "configuration_key" if runs["configuration_key"].nunique() > 1 else "seed"


def results(runs: pd.DataFrame) -> pd.DataFrame:
    """The rows that are results: COMPLETED and DIVERGED."""
    return runs[runs["outcome"].isin(RESULTS)]


def completed(runs: pd.DataFrame) -> pd.DataFrame:
    """The COMPLETED rows, which alone have final metrics at the declared budget."""
    return runs[runs["outcome"] == Outcome.COMPLETED.value]


def diverged_count(runs: pd.DataFrame) -> int:
    """Number of DIVERGED rows."""
    return int((runs["outcome"] == Outcome.DIVERGED.value).sum())


def finite(runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The COMPLETED rows that have a finite value of a metric."""
    done = completed(runs)
    return done[np.isfinite(done[metric].to_numpy(float))]


def tally(study: Rows, count: Callable[[pd.DataFrame, str], int]) -> dict[str, int]:
    """Metric -> number of rows by `states.infinite` or `states.missing`, where there are any: these the report must state."""
    counts = {name: count(study.trained, name) for name in study.vocabulary if name in study.trained}
    return {metric: found for metric, found in counts.items() if found}


def choose_budget(budgets: dict[int, int], wanted: int | None) -> int:
    """The budget to report: the wanted one, else the one with most rows, the larger on a tie.

    Args:
        budgets: declared iterations -> number of rows.
        wanted: the user's choice, or None.

    Raises:
        SchemaError: no row has the wanted budget.
    """
    if wanted is None:
        return max(budgets, key=lambda budget: (budgets[budget], budget))
    if wanted not in budgets:
        there = ", ".join(map(str, sorted(budgets)))
        raise SchemaError(f"--iterations must be a budget that the rows have ({there}), got {wanted}; "
                          "choose one of them, or run the study at that budget first")  # fmt: skip
    return wanted


def choose_sampler(samplers: dict[str, int], wanted: str | None) -> str:
    """The sampler to report: the wanted one, else the one with most rows, the last by name on a tie.

    Args:
        samplers: name -> number of rows.
        wanted: the user's choice, or None.

    Raises:
        SchemaError: it has no row.
    """
    if wanted is None:
        return max(samplers, key=lambda name: (samplers[name], name))
    if wanted not in samplers:
        raise SchemaError(f"--sampler must be one that has rows ({'; '.join(sorted(samplers))}), got {wanted!r}; "
                          "choose one of them")  # fmt: skip
    return wanted


def load(where: str, iterations: int | None = None, sampler: str | None = None) -> Rows:
    """Reads a study's directory: of each system, the newest version that is stored, on the newest data.

    Args:
        where: local path or `pyarrow.fs` URI.
        iterations: the budget to keep; by default the one with most rows.
        sampler: the sampler whose rows to keep; by default the one with most rows.

    Raises:
        SchemaError: no store, another schema, no rows, unreadable files, no rows of that budget or sampler.
    """
    with _reading(where):
        manifest = result_manifest.read_manifest(where)
        table = result_reading.read_runs(where)
    if table.num_rows == 0:
        raise SchemaError(f"{where} must hold at least one finished run, but it has no rows; run the study first, "
                          "such as python sweeps/toy_robustness.py --preset smoke")  # fmt: skip
    for name in _REPEATED:
        table = table.set_column(table.column_names.index(name), name, table[name].dictionary_encode())
    runs, superseded = newest(table.to_pandas(self_destruct=True))
    del table
    budgets = {int(budget): int(count) for budget, count in runs["budget"].value_counts().items()}
    budget = choose_budget(budgets, iterations)
    runs = runs[runs["budget"] == budget]
    runs = runs.assign(sampler=runs["sampler"].fillna(NOT_RECORDED if manifest.searched else GRID))
    samplers = {str(name): int(count) for name, count in runs["sampler"].value_counts().items()}
    sampler = choose_sampler(samplers, sampler)
    runs = runs[runs["sampler"] == sampler].reset_index(drop=True)
    runs = told_apart(runs, list(manifest.hyper_parameters))
    _require_lambda(where, runs)
    runs = levelled(runs, manifest)
    _require_unique(where, runs)
    others = {other: count for other, count in sorted(budgets.items()) if other != budget}
    left_out = {other: count for other, count in sorted(samplers.items()) if other != sampler}
    study = Rows(where, manifest, budget, others, runs, pd.DataFrame(), sampler, left_out, superseded)
    return replace(study, curves=_curves(study))


def _curves(study: Rows) -> pd.DataFrame:
    """Learning curves of the study's runs."""
    schema = study.manifest.curves_schema
    columns = ["run_key", "iteration", *(m.column for m in study.headline if m.column in schema.names)]
    with _reading(study.where):
        curves = result_reading.read_table(study.where, "curves", schema, columns=columns)
    kept = pc.is_in(curves["run_key"], value_set=pa.array(study.runs["run_key"], pa.string()))
    return curves.filter(kept).to_pandas(self_destruct=True)


def told_apart(runs: pd.DataFrame, hyper_parameters: list[str]) -> pd.DataFrame:
    """The rows with words in place of the levels of a hyper-parameter that no part of some runs has: HAS_NONE is one of them,
    and of many numbers the others are ranges between quartiles.
    """
    absent = [name for name in hyper_parameters if runs[name].isna().any()]
    return runs.assign(**{name: _in_words(runs[name]) for name in absent})


def _in_words(column: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > MOST_LEVELS:
        edges = np.unique(np.nanquantile(column.to_numpy(float), [0, 0.25, 0.5, 0.75, 1]))
        ranges = [f"{low:.3g} to {high:.3g}" for low, high in itertools.pairwise(edges)]
        place = np.clip(np.searchsorted(edges, column, side="right") - 1, 0, len(ranges) - 1)
        words = pd.Series([ranges[i] for i in place], index=column.index, dtype=object)
        return words.where(column.notna(), HAS_NONE)
    return column.map(
        lambda value: HAS_NONE if pd.isna(value) else value if isinstance(value, str) else exact(value)
    ).astype(object)


def varying(runs: pd.DataFrame, names: Iterable[str]) -> list[str]:
    """Columns with more than one value. A hyper-parameter with one value in all runs that have it says no more than the
    part that declares it.
    """
    return [name for name in names if runs.loc[runs[name] != HAS_NONE, name].nunique() > 1]


@contextmanager
def _reading(where: str) -> Iterator[None]:
    """Turns whatever a damaged or foreign file raises into a SchemaError of one line."""
    try:
        yield
    except (SchemaError, PlaceError):
        raise
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise SchemaError(f"{where} must be a readable study's results directory, but reading it failed "
                          f"({reason}); give the directory that a study printed, such as "
                          "results/toy_robustness") from error  # fmt: skip


def _require_lambda(where: str, runs: pd.DataFrame) -> None:
    """Raises SchemaError where a λ is none: it has no place on an axis, and no pair."""
    bad = runs[~(np.isfinite(runs["lam"]) & (runs["lam"] >= 0))]
    if len(bad):
        raise SchemaError(f"{where} must have λ >= 0 and finite in every row, but has λ = {bad['lam'].iloc[0]} in "
                          f"{len(bad)} of {len(runs)}; remove these rows")  # fmt: skip


def _require_unique(where: str, runs: pd.DataFrame) -> None:
    """Raises SchemaError where two runs are the same training under different keys: pairs would not be pairs."""
    same = ["algorithm", "configuration_key", "lam", "seed", "data_version"]
    doubled = runs[runs.duplicated(same)]
    if len(doubled):
        name = result_schema.run_name(doubled.iloc[0])
        raise SchemaError(f"{where} must hold one run per algorithm, configuration, λ, seed and data version, but has "
                          f"{name} twice under different run keys; remove one of the two rows")  # fmt: skip


def load_points(where: str, run_keys: list[str], shape: tuple[int, ...] = (2,)) -> dict[str, Points]:
    """Generated points of some runs: run key -> array [n, *shape]; runs without stored points are left out."""
    with _reading(where):
        table = result_reading.read_samples(where, run_keys)
    keys = table["run_key"].to_pylist()
    arrays = [np.asarray(points.values, np.float32).reshape(-1, *shape) for points in table["points"]]
    return dict(zip(keys, arrays, strict=True))


def load_pictures(where: str, run_keys: list[str]) -> Mapping[str, Pictures]:
    """Pictures of some runs: run key -> kind -> uint8 array [..., *shape]; runs without stored pictures are left out."""
    with _reading(where):
        return read_pictures(where, run_keys)
