"""The comparison of two sides: which runs are the same, in which columns others differ, and by how much.

Columns are read a few at a time, so that memory is bounded whatever the number of metrics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.compare import cells, environment, matching
from analysis.compare.cells import Cells, Mask
from analysis.compare.environment import Changed
from analysis.compare.matching import Match
from analysis.compare.sides import Side
from analysis.comparison import paired
from analysis.comparison.verdicts import Family, Verdict
from analysis.rows import RESULTS
from analysis.vocabulary import Measure
from result_metrics import unknown
from result_schema import run_name

CELLS = 1 << 23
"""Values of one side that are read at once."""

OUTCOMES = ("outcome", "diverged_at", "iterations")
"""Results of a run that are no metrics."""


@dataclass(frozen=True)
class Column:
    """A column of results of the matched runs.

    Attributes:
        name: the column's.
        compared: runs in which one side at least has a value.
        unequal, beyond: those that are not the same to the bit, and that are further apart than the tolerance.
        absolute, relative: the largest difference of finite values; NaN where there is none.
        example: a run with a difference, the largest relative one, with both values; None where all are equal.
        verdict: on second − first, paired; None where all are equal, or the column is no metric.
    """

    name: str
    compared: int
    unequal: int
    beyond: int
    absolute: float
    relative: float
    example: tuple[str, object, object] | None
    verdict: Verdict | None


@dataclass(frozen=True)
class Comparison:
    """Two sides beside each other.

    Attributes:
        first, second: the sides.
        match: which runs are the same.
        tolerance: to which numbers count as equal.
        columns: of the results, in reading order.
        left_out: metrics that the manifest of one side alone has.
        to_the_bit, within, differing: matched runs that are equal in every column, equal within the tolerance alone, and neither.
        by_algorithm: algorithm -> its matched runs, and those that differ.
        outcomes: outcomes of both sides, where they are not the same -> runs.
        changed: what changed around them.
    """

    first: Side
    second: Side
    match: Match
    tolerance: float
    columns: list[Column]
    left_out: list[str]
    to_the_bit: int
    within: int
    differing: int
    by_algorithm: dict[str, tuple[int, int]]
    outcomes: dict[tuple[str, str], int]
    changed: Changed

    @property
    def equal(self) -> bool:
        """Whether both sides have the same runs with the same results."""
        return not (self.differing or self.match.only_first.num_rows or self.match.only_second.num_rows)


def compare(
    first: Side,
    second: Side,
    across: Collection[str] = (),
    tolerance: float = 0.0,
    metrics: Sequence[str] = (),
    each: Callable[[Cells, Match], None] = lambda cells, match: None,
) -> Comparison:
    """Compares two sides.

    Args:
        first, second: the sides.
        across: columns of the identity in which matched runs may differ (`matching.match`).
        tolerance: as of `cells.compare`.
        metrics: to compare; all that both sides have where none is given.
        each: called with every column as it is compared.

    Raises:
        ValueError, SchemaError: as `matching.match`, or a metric is not of both sides.
    """
    infos = [{one.name: one for one in side.manifest.metrics} for side in (first, second)]
    shared = [name for name in infos[0] if name in infos[1]]
    for name in metrics:
        if name not in shared:
            raise ValueError(unknown("--metrics", name, shared))
    match = matching.match(first, second, across)
    told = [name for name in OUTCOMES if name != "iterations" or "budget" not in match.across]
    wanted = [*told, *(name for name in shared if not metrics or name in metrics)]
    family = Family(size=len(wanted) - len(told), declared=second.manifest.smallest_differences)
    units = _units(match.second)
    unequal, beyond = (np.zeros(match.first.num_rows, bool) for _ in range(2))
    columns: list[Column] = []
    outcomes: Counter[tuple[str, str]] = Counter()
    for one in _compared(first, second, match, wanted, tolerance):
        each(one, match)
        unequal |= one.unequal
        beyond |= one.beyond
        if one.name == "outcome":
            sides = {"outcome_first": one.second, "outcome_second": one.first}  # second − first
            units = units.assign(
                **{name: side.dictionary_encode().to_pandas() for name, side in sides.items()}
            )
            pairs = zip(one.first.to_pylist(), one.second.to_pylist(), strict=True)
            outcomes = Counter(pair for pair in pairs if pair[0] != pair[1])
        measure = Measure.of(infos[1][one.name]) if one.name in shared else None
        columns.append(_column(one, match, units, measure, family))
    return Comparison(
        first,
        second,
        match,
        tolerance,
        columns,
        sorted(infos[0].keys() ^ infos[1].keys()),
        int(np.sum(~unequal)),
        int(np.sum(unequal & ~beyond)),
        int(np.sum(beyond)),
        _by_algorithm(match, beyond),
        dict(outcomes),
        environment.changed(first, second, (_keys(match.first), _keys(match.second))),
    )


def _compared(
    first: Side, second: Side, match: Match, wanted: Sequence[str], tolerance: float
) -> Iterator[Cells]:
    """Each of the wanted columns of the matched runs, a few read at a time."""
    at_once = max(1, CELLS // max(match.first.num_rows, 1))
    for start in range(0, len(wanted), at_once):
        names = wanted[start : start + at_once]
        sides = [_in_order(first, names, match.first), _in_order(second, names, match.second)]
        for name in names:
            a, b = (side[name].combine_chunks() for side in sides)
            yield cells.compare(name, a, b, tolerance)


def _in_order(side: Side, names: Sequence[str], matched: pa.Table) -> pa.Table:
    """Columns of the matched runs, in their order. Rows that are stored meanwhile are none of them."""
    keys = _keys(matched)
    table = side.read(names, keys)
    return table.take(pc.index_in(keys, value_set=table["run_key"].combine_chunks()))


def _keys(table: pa.Table) -> pa.Array:
    return table["run_key"].combine_chunks()


def _units(match: pa.Table) -> pd.DataFrame:
    """Algorithm and configuration, in a number for each, and seed of the matched runs."""
    coded = {
        name: match[name].combine_chunks().dictionary_encode().indices.to_numpy()
        for name in ("algorithm", "configuration_key")
    }
    return pd.DataFrame({**coded, "seed": match["seed"].to_numpy()})


def _column(one: Cells, match: Match, units: pd.DataFrame, measure: Measure | None, family: Family) -> Column:
    place, verdict, example = one.largest, None, None
    if place is not None:
        example = (name_at(match, place), one.first[place].as_py(), one.second[place].as_py())
        if measure is not None:
            verdict = _verdict(one, units, measure.compared, family)
    return Column(
        one.name, one.compared, _count(one.unequal), _count(one.beyond), one.absolute, one.relative, example, verdict
    )  # fmt: skip


def _verdict(one: Cells, units: pd.DataFrame, measure: Measure, family: Family) -> Verdict | None:
    """On second − first of a metric, over the results of algorithms that have it; None where there are none."""
    columns = {f"{one.name}_first": cells.numbers(one.second), f"{one.name}_second": cells.numbers(one.first)}
    pairs = units.assign(**columns)
    values = pairs.groupby("algorithm")[list(columns)].transform("count").sum(axis=1)
    results = pairs["outcome_first"].isin(RESULTS) & pairs["outcome_second"].isin(RESULTS)
    differences = paired.unit_differences(pairs[results & (values > 0)], measure)
    return family.judge(measure, differences) if len(differences) else None


def _count(mask: Mask) -> int:
    return int(np.sum(mask))


def name_at(match: Match, place: int) -> str:
    """Readable name of a matched run, as the first side has it."""
    return run_name({name: match.first[name][place].as_py() for name in matching.READ})


def _by_algorithm(match: Match, differing: Mask) -> dict[str, tuple[int, int]]:
    coded = match.first["algorithm"].combine_chunks().dictionary_encode()
    names, places = coded.dictionary.to_pylist(), coded.indices.to_numpy()
    every = np.bincount(places, minlength=len(names))
    others = np.bincount(places[differing], minlength=len(names))
    return {name: (int(every[n]), int(others[n])) for n, name in enumerate(names)}
