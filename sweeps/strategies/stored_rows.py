"""Stored rows as strategies in stages read them: after each stage, and each file once."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from result_manifest import read_manifest
from result_reading import one_row_per_run, read_table
from result_schema import conformed
from sweeps.store.declared_rows import STORED_KEY, by_key, renamed
from sweeps.store.store import Store
from sweeps.store.unread import Unread
from sweeps.strategies.halving import Rows


class StoredRows:
    """Rows of a study by the key that their runs have now; reading them again reads what was stored since.

    Args:
        store: the study's, which exists.
        curves: whether to read learning curves.
    """

    def __init__(self, store: Store, *, curves: bool) -> None:
        self._store, self._with_curves = store, curves
        self._manifest = read_manifest(store.uri)
        self._table: pa.Table = None
        self._rows: dict[str, dict[str, Any]] = {}
        self._curves: dict[str, dict[int, Any]] = defaultdict(dict)
        self._begin()

    def read(self) -> Rows:
        """All rows of now. Raises SchemaError where a file is damaged."""
        manifest = read_manifest(self._store.uri)
        if manifest != self._manifest:  # a study that is extended has columns more
            self._manifest = manifest
            self._begin()
        runs = self._new(self._runs, "runs", manifest.runs_schema)
        if self._with_curves:  # stored before their rows: none of these can be missing
            for point in self._new(self._points, "curves", manifest.curves_schema).to_pylist():
                self._curves[point["run_key"]].setdefault(point["iteration"], point)
        if len(runs):
            keyed = by_key(runs, renamed(runs, manifest))
            self._table = pa.concat_tables([self._table, keyed]) if len(self._rows) else keyed
            changed = self._table.filter(
                pc.is_in(self._table["run_key"], value_set=pc.unique(keyed["run_key"]))
            )
            for row in one_row_per_run(changed).to_pylist():
                self._rows[row["run_key"]] = {**row, "curve": self._curves[row[STORED_KEY]]}
        return self._rows

    def _new(self, files: Unread, folder: str, schema: pa.Schema) -> pa.Table:
        """Rows of the files that are new; of all where one has changed or gone."""
        new = files.new()
        if new.anew and files is self._runs:
            self._rows = {}
        try:
            tables = [
                conformed(pq.read_table(path, filesystem=self._store.filesystem), schema)
                for path in new.files
            ]
        except pa.ArrowException:
            read_table(self._store.uri, folder, schema)  # names the damaged file, and the remedy
            raise
        files.mark(new)
        return pa.concat_tables([schema.empty_table(), *tables])

    def _begin(self) -> None:
        """Begins anew: every file is to be read."""
        filesystem, path = self._store.filesystem, self._store.path
        self._runs, self._points = (Unread(filesystem, f"{path}/{name}") for name in ("runs", "curves"))
        self._rows, self._curves = {}, defaultdict(dict)
