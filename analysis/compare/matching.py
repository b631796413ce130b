"""Which run of one side is which of the other: the same in all that a run's key is made of, or in all but what differs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.compare.sides import Side
from result_metrics import unknown
from result_schema import VERSION

IDENTITY = ("study", "algorithm", "lam", "seed", "configuration_key", "budget", "data_version", VERSION)
"""Columns that tell one run of a study from another, as the run key does."""

BY_ITSELF = ("budget", "data_version", VERSION)
"""Columns in which two sides may differ without being told to, where they have no value in common."""

READ = (*IDENTITY, "configuration")

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Match:
    """Runs of both sides, side by side.

    Attributes:
        first, second: READ of the matched runs, [n] each, in one order.
        only_first, only_second: READ of the others.
        across: columns of IDENTITY in which matched runs differ -> values of both sides.
    """

    first: pa.Table
    second: pa.Table
    only_first: pa.Table
    only_second: pa.Table
    across: dict[str, tuple[list[object], list[object]]]


def match(first: Side, second: Side, across: Collection[str] = ()) -> Match:
    """Matches the runs of two sides.

    Args:
        first, second: the sides.
        across: columns of IDENTITY in which they may differ, besides those BY_ITSELF.

    Raises:
        ValueError: a column is none of IDENTITY, the sides are two studies, no run is on both sides, or one side has several runs
            that differ in nothing else.
        SchemaError: as `Side.read`.
    """
    for column in across:
        if column not in IDENTITY:
            raise ValueError(unknown("--across", column, IDENTITY))
    if first.manifest.study != second.manifest.study and "study" not in across:
        raise ValueError(f"both sides must be of one study, got {first.manifest.study!r} in {first.where} and "
                         f"{second.manifest.study!r} in {second.where}; give --across study to match their runs all the same")  # fmt: skip
    tables = [side.read(READ) for side in (first, second)]
    values = {name: [table[name].unique().to_pylist() for table in tables] for name in IDENTITY}
    apart = {
        name: (sorted(a, key=str), sorted(b, key=str))
        for name, (a, b) in values.items()
        if (name in across and set(a) != set(b)) or (name in BY_ITSELF and not {*a} & {*b})
    }
    kept = [name for name in IDENTITY if name not in apart]
    keys = [_keys(table, kept) for table in tables]
    for side, name, key in zip((first, second), ("--first", "--second"), keys, strict=True):
        if pc.count_distinct(key).as_py() < len(key):
            raise ValueError(f"{side.name} must have one run of each {', '.join(kept)}, but has several that differ in "
                             f"{', '.join(apart) or 'their key'} alone; choose with {name} COLUMN=VALUE")  # fmt: skip
    places = pc.index_in(keys[0], value_set=keys[1])
    matched = pc.is_valid(places)
    if not pc.any(matched).as_py():
        differing = [name for name, (a, b) in values.items() if not {*a} & {*b}] or ["their combinations"]
        raise ValueError(f"{first.name} and {second.name} must have runs in common, but have none: they differ in "
                         f"{', '.join(differing)}; name other rows, or match across columns with --across COLUMN")  # fmt: skip
    there = places.filter(matched)
    alone = np.ones(tables[1].num_rows, bool)
    alone[there.to_numpy()] = False
    return Match(
        tables[0].filter(matched),
        tables[1].take(there),
        tables[0].filter(pc.invert(matched)),
        tables[1].filter(pa.array(alone)),
        apart,
    )


def _keys(table: pa.Table, columns: Collection[str]) -> pa.Array:
    """One text for each row, the same where all of these columns are."""
    texts = [table[name].combine_chunks().cast(pa.string()) for name in columns]
    return pc.binary_join_element_wise(*texts, "\x1f")
