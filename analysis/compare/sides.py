"""One side of a comparison: the rows of a study's directory that meet some conditions, read a few columns at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pyarrow as pa
import pyarrow.compute as pc

from result_manifest import Manifest, SchemaError, read_manifest
from result_reading import read_runs

VERSIONS = "versions"
"""Column of JSON, package or property of the machine -> its version; a condition may name one of them."""


@dataclass(frozen=True)
class Condition:
    """A column, or a key of VERSIONS, and the pattern that its value meets."""

    name: str
    pattern: str

    @classmethod
    def parse(cls, text: str) -> Condition:
        """A condition as it is written: `budget=1600`, `git_commit=30ab*`. Raises ValueError where it is none."""
        name, equals, pattern = text.partition("=")
        if not (name and equals and pattern):
            raise ValueError(
                f"a condition must be COLUMN=VALUE, such as budget=1600 or git_commit=30ab*, got {text!r}"
            )
        return cls(name, pattern)

    def __str__(self) -> str:
        return f"{self.name}={self.pattern}"

    def met(self, value: object) -> bool:
        """Whether a value is the pattern's: the same number, or a text that it matches as a shell's pattern."""
        if isinstance(value, int | float):
            try:
                return float(value) == float(self.pattern)
            except ValueError:
                return False
        return value is not None and fnmatchcase(str(value), self.pattern)


@dataclass(frozen=True)
class Side:
    """Rows of one directory.

    Attributes:
        where: the directory or URI.
        manifest: what it says about itself.
        conditions: that all of its rows meet.
    """

    where: str
    manifest: Manifest
    conditions: tuple[Condition, ...] = ()

    @classmethod
    def of(cls, where: str, conditions: Iterable[str] = ()) -> Side:
        """Raises SchemaError where there is no study, and ValueError where a condition is none."""
        return cls(where, read_manifest(where), tuple(map(Condition.parse, conditions)))

    @property
    def name(self) -> str:
        """Directory and conditions in words."""
        return " ".join((self.where, *map(str, self.conditions)))

    def read(self, columns: Sequence[str], run_keys: pa.Array | None = None) -> pa.Table:
        """Columns of its rows, one row per run, sorted by run key.

        Args:
            columns: to read.
            run_keys: of the rows wanted; None for all that meet the conditions.

        Raises:
            SchemaError: a file is damaged, or none of its rows meets the conditions.
            ValueError: a condition is on what rows do not say.
        """
        asked = self.conditions if run_keys is None else ()
        table = read_runs(self.where, list(dict.fromkeys(("run_key", *columns, *map(self._column, asked)))))
        if run_keys is not None:
            table = table.filter(pc.is_in(table["run_key"], value_set=run_keys))
        for condition in asked:
            table = table.filter(self._meeting(table, condition))
        if run_keys is None and not table.num_rows:
            such = f" with {' '.join(map(str, asked))}" if asked else ""
            raise SchemaError(
                f"{self.where} must hold at least one run{such}, but has none; name other rows, or run the study first"
            )
        return table.select(list(dict.fromkeys(("run_key", *columns))))

    def _column(self, condition: Condition) -> str:
        return condition.name if condition.name in self.manifest.runs_schema.names else VERSIONS

    def _meeting(self, table: pa.Table, condition: Condition) -> pa.Array:
        column = self._column(condition)
        coded = table[column].combine_chunks().dictionary_encode()
        values = coded.dictionary.to_pylist()
        if column != condition.name:
            said = [json.loads(text) for text in values]
            if not any(condition.name in one for one in said):
                known = sorted({*self.manifest.runs_schema.names, *(key for one in said for key in one)})
                raise ValueError(f"a condition must be on a column of {self.where} or a version that it says "
                                 f"({', '.join(known)}), got {condition}")  # fmt: skip
            values = [one.get(condition.name) for one in said]
        met = [index for index, value in enumerate(values) if condition.met(value)]
        return pc.is_in(coded.indices, value_set=pa.array(met, coded.indices.type))
