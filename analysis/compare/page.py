"""A comparison in words, on one page, and as plain values for other programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from analysis.compare.matching import READ
from analysis.compare.studies import Column, Comparison
from analysis.words import counted, number
from result_schema import run_name

MOST = 5
"""Names or values told one by one; of more it is said how many they are."""

WIDTH = 60
"""Characters of a value in the page."""


def lines(found: Comparison) -> Iterator[str]:
    """The page, line by line."""
    match = found.match
    for name, side, only in (("A", found.first, match.only_first), ("B", found.second, match.only_second)):
        yield f"{name:10}{side.name}: {counted(match.first.num_rows + only.num_rows, 'run')}"
    apart = "; ".join(f"{name} {_few(a)} → {_few(b)}" for name, (a, b) in match.across.items())
    yield f"{'matched':10}{counted(match.first.num_rows, 'run')}, {f'the same in all but {apart}' if apart else 'by their keys'}"
    yield f"{'only in A':10}{_names(match.only_first)}"
    yield f"{'only in B':10}{_names(match.only_second)}"
    yield f"{'equal':10}{counted(found.to_the_bit, 'run')} to the bit" + (
        f", {found.within:,} more within {found.tolerance:g} of the larger value" if found.tolerance else ""
    )
    where = ", ".join(f"{name} {n:,} of {total:,}" for name, (total, n) in found.by_algorithm.items() if n)
    yield f"{'different':10}{counted(found.differing, 'run')}{f': {where}' if where else ''}"
    yield ""
    yield from _columns(found)
    yield from _environment(found)
    yield ""
    yield _conclusion(found)


def _columns(found: Comparison) -> Iterator[str]:
    differing = [column for column in found.columns if column.unequal]
    equal = [column.name for column in found.columns if not column.unequal and column.compared]
    if differing:
        width = max(len(column.name) for column in differing)
        yield f"{'column':{width}}  {'differ':>9} {'of':>9}  {'at most':>9} {'relative':>9}  B against A, paired; 95 % for all of them together"
        for column in differing:
            yield (f"{column.name:{width}}  {column.unequal:9,} {column.compared:9,}  {number(column.absolute):>9} "
                   f"{number(column.relative, 2):>9}  {_verdict(column)}").rstrip()  # fmt: skip
        yield ""
        yield "the run in which a column differs most, relative to its values"
        for column in differing:
            if column.example:
                name, first, second = column.example
                yield f"  {column.name:{width}}  {name}: {_value(first)} → {_value(second)}"
        yield ""
    if found.outcomes:
        changes = sorted(found.outcomes.items(), key=lambda one: -one[1])
        yield "outcomes  " + ", ".join(f"{a} → {b} {n:,}" for (a, b), n in changes)
    yield f"{'the same':10}{', '.join(equal) or 'no column'}"
    if found.left_out:
        yield f"{'left out':10}{', '.join(found.left_out)}: metrics that one of the two does not know"


def _verdict(column: Column) -> str:
    if column.verdict is None:
        return ""
    found, factor = column.verdict.location, "× " if column.verdict.measure.log else ""
    counts = f"higher in {found.above:,}, lower in {found.below:,} of {found.units:,}"
    return f"{factor}{column.verdict.estimate} {column.verdict.words} ({counts})"


def _environment(found: Comparison) -> Iterator[str]:
    changed = found.changed
    yield ""
    for name, (a, b) in changed.values.items():
        yield f"changed   {name}: {_few(list(a))} → {_few(list(b))}"
    for name, (first, second) in changed.declared.items():
        yield f"changed   study.json, {name}: {_value(first)} → {_value(second)}"
    if not changed.values and not changed.declared:
        yield "changed   nothing that the rows say of commits, versions, devices and instruction sets"
    before, after = changed.seconds
    ratio = f" ({after / before:.2f} times)" if before and after else ""
    yield f"{'trained':10}{before:,.1f} s → {after:,.1f} s, all matched runs{ratio}"


def _conclusion(found: Comparison) -> str:
    if found.equal and not found.within:
        return "equal: the same runs, with the same results to the bit"
    if found.equal:
        return f"equal: the same runs, with the same results within {found.tolerance:g} of the larger value"
    alone = found.match.only_first.num_rows + found.match.only_second.num_rows
    return f"different: {counted(found.differing, 'matched run')} differ, {counted(alone, 'run')} on one side alone"


def _names(table: pa.Table) -> str:
    if not table.num_rows:
        return "none"
    first = [run_name(row) for row in table.select(list(READ)).slice(0, MOST).to_pylist()]
    return f"{counted(table.num_rows, 'run')}: {', '.join(first)}{', …' if table.num_rows > MOST else ''}"


def _few(values: Sequence[object]) -> str:
    if not values:
        return "nothing"
    shown = " / ".join(map(_value, values[:MOST]))
    return f"{shown} / … ({len(values)})" if len(values) > MOST else shown


def _value(value: object) -> str:
    text = "none" if value is None else repr(value) if isinstance(value, float) else str(value)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def plain(found: Comparison) -> dict[str, Any]:
    """The comparison as values of JSON; numbers that are none are null."""
    match = found.match
    return {
        "equal": found.equal,
        "first": {"where": found.first.where, "conditions": [str(one) for one in found.first.conditions]},
        "second": {"where": found.second.where, "conditions": [str(one) for one in found.second.conditions]},
        "tolerance": found.tolerance,
        "matched": match.first.num_rows,
        "across": {name: {"first": a, "second": b} for name, (a, b) in match.across.items()},
        "only_first": match.only_first["run_key"].to_pylist(),
        "only_second": match.only_second["run_key"].to_pylist(),
        "equal_to_the_bit": found.to_the_bit,
        "equal_within_tolerance": found.within,
        "different": found.differing,
        "by_algorithm": {
            name: {"matched": total, "different": n} for name, (total, n) in found.by_algorithm.items()
        },
        "outcomes": [{"first": a, "second": b, "runs": n} for (a, b), n in found.outcomes.items()],
        "columns": {column.name: _plain_column(column) for column in found.columns},
        "left_out": found.left_out,
        "environment": _pairs(found.changed.values),
        "manifest": {name: {"first": str(a), "second": str(b)} for name, (a, b) in found.changed.declared.items()},
        "train_seconds": dict(zip(("first", "second"), found.changed.seconds, strict=True)),
    }  # fmt: skip


def _plain_column(column: Column) -> dict[str, Any]:
    values: dict[str, Any] = {
        "compared": column.compared,
        "different_bits": column.unequal,
        "different": column.beyond,
        "largest": _finite(column.absolute),
        "largest_relative": _finite(column.relative),
    }
    if column.verdict is not None:
        shown = column.verdict.shown
        values["second_against_first"] = {
            "scale": "ratio" if column.verdict.measure.log else "difference",
            "units": column.verdict.location.units,
            "point": _finite(shown.point),
            "low": _finite(shown.low),
            "high": _finite(shown.high),
            "answer": str(column.verdict.answer),
        }
    return values


def _pairs(values: Mapping[str, tuple[object, object]]) -> dict[str, Any]:
    return {name: {"first": a, "second": b} for name, (a, b) in values.items()}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
