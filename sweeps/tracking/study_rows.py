"""A study's rows as the mirror reads them: of each file once what tells which runs to mirror, and whole rows of those alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from result_colours import colours
from result_files import open_directory, visible_files
from result_manifest import MANIFEST, read_manifest
from result_names import in_reading_order
from result_reading import one_row_per_run
from result_schema import FINISHED, Outcome, conformed
from sweeps.store.unread import Unread
from sweeps.tracking.follower import AUTO
from sweeps.tracking.selection import Selection, check, selection

INDEX = ("run_key", "outcome", "iterations", "finished_at", "seed", "configuration_key", "algorithm")
"""Columns that tell which runs to mirror, and which algorithms there are."""

TOGETHER = 5_000
"""Runs whose rows are read, and in memory, together."""

MEASURED = (Outcome.COMPLETED, Outcome.STOPPED)
"""Outcomes of runs that have metrics, and so a learning curve to show."""

Row = Mapping[str, Any]


@dataclass
class _Known:
    """A run that is mirrored: its valid row's outcome, version and rank, smaller being better, and the files that name it."""

    outcome: str
    version: str
    rank: tuple[int, int, datetime]
    paths: list[str] = field(default_factory=list)


class StudyRows:
    """Rows of a study; each file is read once.

    Args:
        directory: the study's.
        policy: what is mirrored, one of `selection.POLICIES`.
        declared: number of runs that the study will have, if that is known.

    Attributes:
        versions: run key -> version of its valid row, of the runs to mirror.
        count: number of stored rows.
        algorithms: algorithms of stored rows.
        selection: what is mirrored.
        origin: tags that tell this directory from others of the same study: `results`, its path, and `origin`, the time of its
            creation, which stays the same if it is moved or mounted elsewhere.
    """

    def __init__(self, directory: str, policy: str = AUTO, declared: int = 0) -> None:
        """Raises SchemaError if `directory` is not a study's, ValueError if there is no such policy."""
        self.directory, self.policy, self._declared = directory, check(policy), declared
        self.manifest = read_manifest(directory)
        self.filesystem, self.path = open_directory(directory)
        self._changed = self.filesystem.get_file_info(f"{self.path}/{MANIFEST}").mtime_ns
        made = self.manifest.made or self._changed
        self.origin = {"results": directory if "://" in directory else self.path, "origin": str(made)}
        self._begin()

    def _begin(self) -> None:
        self._files = Unread(self.filesystem, f"{self.path}/runs")
        self._known, self.count, self._finished, self.algorithms = dict[str, _Known](), 0, 0, set[str]()
        self.selection: Selection = selection(self.policy, self._declared)

    @property
    def whole(self) -> bool:
        """Whether every run that the study will have is known to be stored, with a result."""
        return 0 < self._declared <= self._finished

    @property
    def colours(self) -> dict[str, str]:
        """Algorithm -> colour, of those of stored rows: the report's."""
        return colours(in_reading_order(self.algorithms), self.manifest.colours)

    @property
    def versions(self) -> dict[str, str]:
        return {key: known.version for key, known in self._known.items()}

    def refresh(self, also: Collection[str] = ()) -> None:
        """Reads new files, and all files if one has changed or gone.

        Args:
            also: keys of runs to mirror whatever the selection: those that are mirrored already.

        Raises OSError and pyarrow.ArrowException: call again later.
        """
        changed = self.filesystem.get_file_info(f"{self.path}/{MANIFEST}").mtime_ns
        if changed not in (
            None,
            self._changed,
        ):  # a study that is extended by a hyper-parameter has a column more
            self.manifest, self._changed = read_manifest(self.directory), changed
        new = self._files.new()
        tables = {path: index(path, self.filesystem) for path in new.files}
        self._files.mark(new)  # after reading all: a failure reads them again
        if new.anew:
            self._known, self.count, self._finished, self.algorithms = {}, 0, 0, set()
        self.count += sum(table.num_rows for table in tables.values())
        results = pa.array([outcome.value for outcome in FINISHED])
        finished = (pc.is_in(table["outcome"], value_set=results) for table in tables.values())
        self._finished += sum(pc.sum(mask).as_py() or 0 for mask in finished)
        self.algorithms.update(*(pc.unique(table["algorithm"]).to_pylist() for table in tables.values()))
        self.selection = selection(self.policy, max(self._declared, self.count))
        there = pa.array(also, pa.string())
        for path, table in tables.items():
            wanted = self.selection.chosen(table) | pc.is_in(table["run_key"], value_set=there).to_numpy()
            self._add(path, table.filter(pa.array(wanted)))

    def add(self, run_keys: Collection[str]) -> None:
        """Counts further runs among those to mirror."""
        missing = pa.array(sorted(set(run_keys) - self._known.keys()), pa.string())
        if len(missing):
            for path in self.paths():
                table = index(path, self.filesystem)
                self._add(path, table.filter(pc.is_in(table["run_key"], value_set=missing)))

    def _add(self, path: str, rows: pa.Table) -> None:
        for row in rows.to_pylist():
            order = {Outcome.STOPPED: 0, Outcome.FAILED: 1}.get(row["outcome"], -1)
            rank = order, -row["iterations"], row["finished_at"]
            known = self._known.get(row["run_key"])
            if known is None or rank < known.rank:
                paths = known.paths if known else []
                known = _Known(row["outcome"], version(row["outcome"], row["finished_at"]), rank, paths)
                self._known[row["run_key"]] = known
            known.paths.append(path)

    def is_sampled(self, row: Row) -> bool:
        """Whether a run is in the sample, if there is one."""
        pair = pa.table({"configuration_key": [row["configuration_key"]], "seed": [row["seed"]]})
        return self.selection.sampled and bool(self.selection.drawn(pair)[0])

    def paths(self) -> list[str]:
        """Files that were read."""
        return list(self._files.read)

    def empty(self) -> bool:
        """Whether there is no row yet. Raises OSError."""
        return not visible_files(self.filesystem, f"{self.path}/runs")

    def select(self, run_keys: Sequence[str]) -> Iterator[tuple[Row, list[Row]]]:
        """Yields row and learning curve of each of these runs."""
        for start in range(0, len(run_keys), TOGETHER):
            keys = run_keys[start : start + TOGETHER]
            runs = _rows_of(self.filesystem, self._paths(keys), keys, self.manifest.runs_schema)
            measured = [key for key in keys if self._known[key].outcome in MEASURED]
            files, schema = self._curves(self._paths(measured)), self.manifest.curves_schema
            points: dict[str, dict[int, Row]] = defaultdict(dict)
            for point in _rows_of(self.filesystem, files, measured, schema).to_pylist():
                points[point["run_key"]].setdefault(point["iteration"], point)
            for row in one_row_per_run(runs).to_pylist():
                yield row, list(points[row["run_key"]].values())

    def _paths(self, run_keys: Sequence[str]) -> list[str]:
        return sorted({path for key in run_keys for path in self._known[key].paths})

    def _curves(self, paths: Collection[str]) -> list[str]:
        """Files with the learning curves of the rows in these files.

        A cohort's have one name. Where they have not, such as after they were folded, every file that shares its name with no
        file of rows may have them.
        """
        folder = f"{self.path}/curves"
        named = [f"{folder}/{path.rpartition('/')[2]}" for path in paths]
        infos = self.filesystem.get_file_info(named)
        files = [info.path for info in infos if info.type == pafs.FileType.File]
        if len(files) < len(named):
            runs = {path.rpartition("/")[2] for path in self.paths()}
            there = visible_files(self.filesystem, folder)
            files += sorted(i.path for i in there if i.extension == "parquet" and i.base_name not in runs)
        return files


def index(path: str, filesystem: pafs.FileSystem) -> pa.Table:
    """Columns INDEX of a file of rows."""
    texts = ["configuration_key", "algorithm"]
    return pq.read_table(path, columns=list(INDEX), filesystem=filesystem, read_dictionary=texts)


def _rows_of(
    filesystem: pafs.FileSystem, paths: Sequence[str], run_keys: Sequence[str], schema: pa.Schema
) -> pa.Table:
    """Rows of some runs in some files, of which no more than a part is in memory at a time."""
    keys, tables = pa.array(run_keys, pa.string()), [schema.empty_table()]
    for path in paths:
        with filesystem.open_input_file(path) as stream, pq.ParquetFile(stream) as file:
            for batch in file.iter_batches():
                table = pa.Table.from_batches([batch])
                found = table.filter(pc.is_in(table["run_key"], value_set=keys))
                if len(found):
                    tables.append(conformed(found, schema))
    return pa.concat_tables(tables)


def version(outcome: str, finished_at: datetime | str) -> str:
    """Version of a row: tells a FAILED row from the row that replaced it under the same run key."""
    at = finished_at if isinstance(finished_at, str) else finished_at.isoformat()
    return f"{outcome} {at}"
