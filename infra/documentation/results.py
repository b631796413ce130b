"""Reference of what a study leaves: columns of its rows and curves, and sections of its report."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from analysis import contents
from infra.documentation.docstrings import summary
from infra.documentation.tables import table
from result_schema import CURVES, runs_schema
from trainables import configurations


def columns() -> Iterator[str]:
    """Columns of `runs` and `curves` of a study of the default parts."""
    kinds = {name: one.kind for name, one in configurations.required().items()}
    for folder, schema in (("runs", runs_schema(kinds)), ("curves", CURVES)):
        yield from [f"### `{folder}/`", ""]
        yield from table(["column", "type", "may be null"], (column(field) for field in schema))


def column(field: pa.Field) -> tuple[str, str, str]:
    """Cells of a column."""
    return f"`{field.name}`", str(field.type), "yes" if field.nullable else ""


def sections() -> Iterator[str]:
    """Every section of a report, in its order."""
    yield from table(
        ["section", "heading", ""],
        ([f"`{one.name}`", one.title, summary(type(one).__doc__)] for one in contents.found()),
    )
