"""Reads a study's new rows and converts each to an MLflow run."""

from __future__ import annotations

import contextlib
import hashlib
import math
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

import result_digests
from result_files import is_link, open_directory, visible_files
from result_names import own_values, split_variant
from result_schema import (
    MANIFEST,
    VERSION,
    Manifest,
    Outcome,
    conformed,
    one_row_per_run,
    read_manifest,
    run_name,
)

if TYPE_CHECKING:
    from sweeps.tracking.mlflow_store import RunContent

ERROR_LENGTH = 1_000
COSTS = ("train_seconds", "energy_joules")
"""Columns of what a run cost, which stand among its metrics."""

Row = Mapping[str, Any]


class StudyRows:
    """Rows of a study; each file is read once.

    Attributes:
        versions: run key -> version of its valid row.
        origin: tags that tell this directory from others of the same study: `results`, its path, and `origin`, the time of its
            creation, which stays the same if it is moved or mounted elsewhere.
    """

    def __init__(self, directory: str) -> None:
        """Raises SchemaError if `directory` is not a study's."""
        self.directory = directory
        self.manifest = read_manifest(directory)
        self.versions: dict[str, str] = {}
        self._filesystem, self._path = open_directory(directory)
        self._changed = self._filesystem.get_file_info(f"{self._path}/{MANIFEST}").mtime_ns
        made = self.manifest.made or self._changed
        self.origin = {"results": directory if "://" in directory else self._path, "origin": str(made)}
        self._schemas = self.manifest.runs_schema, self.manifest.curves_schema
        self._runs, self._curves = (schema.empty_table() for schema in self._schemas)
        self._seen: dict[str, tuple[int, int]] = {}  # path -> size and time

    def refresh(self) -> None:
        """Reads new files, and all files if one has changed or gone.

        Raises OSError and pyarrow.ArrowException: call again later.
        """
        changed = self._filesystem.get_file_info(f"{self._path}/{MANIFEST}").mtime_ns
        if changed not in (
            None,
            self._changed,
        ):  # a study that is extended by a hyper-parameter or a metric has a column more
            self.manifest, self._changed, self._seen = read_manifest(self.directory), changed, {}
            self._schemas = self.manifest.runs_schema, self.manifest.curves_schema
            self._runs, self._curves = (schema.empty_table() for schema in self._schemas)
        there = self.files()
        if any(there.get(path) != seen for path, seen in self._seen.items()):
            self._runs, self._curves = (schema.empty_table() for schema in self._schemas)
            self._seen = {}
        # A curve is stored before its row: looked for after the rows, none can be missing.
        runs = self._unseen("runs", self._schemas[0])
        self._curves = pa.concat_tables([self._curves, *self._unseen("curves", self._schemas[1])])
        if runs:
            self._runs = one_row_per_run(pa.concat_tables([self._runs, *runs]))
            columns = (self._runs[name].to_pylist() for name in ("run_key", "outcome", "finished_at"))
            self.versions = {key: version(outcome, at) for key, outcome, at in zip(*columns, strict=True)}

    def files(self) -> dict[str, tuple[int, int]]:
        """Present files of rows and curves, with size and time. Raises OSError."""
        return result_digests.files(self._filesystem, self._path, "runs", "curves")

    def select(self, run_keys: Sequence[str]) -> Iterator[tuple[Row, list[Row]]]:
        """Yields row and learning curve of each of these runs."""
        if not run_keys:
            return
        keys = pa.array(run_keys, pa.string())
        curves: dict[str, dict[int, Row]] = defaultdict(dict)
        for point in self._curves.filter(pc.is_in(self._curves["run_key"], value_set=keys)).to_pylist():
            curves[point["run_key"]].setdefault(point["iteration"], point)
        for row in self._runs.filter(pc.is_in(self._runs["run_key"], value_set=keys)).to_pylist():
            yield row, list(curves[row["run_key"]].values())

    def _unseen(self, name: str, schema: pa.Schema) -> list[pa.Table]:
        tables = []
        visible = visible_files(self._filesystem, f"{self._path}/{name}")
        there = {info.path: (info.size, info.mtime_ns) for info in visible}
        new = {path: there[path] for path in sorted(there.keys() - self._seen.keys())}
        for path in (path for path in new if path.endswith(".parquet")):
            tables.append(conformed(pq.read_table(path, filesystem=self._filesystem), schema))
        self._seen |= new  # after reading all: a failure reads them again
        return tables


def version(outcome: str, finished_at: datetime | str) -> str:
    """Version of a row: tells a FAILED row from the row that replaced it under the same run key."""
    at = finished_at if isinstance(finished_at, str) else finished_at.isoformat()
    return f"{outcome} {at}"


def text(value: object) -> str:
    """Text of a parameter as typed in a search: 0.1, 1 for 1.0, 1e-05. Exact: equal text, equal value."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def run_content(row: Row, curve: Sequence[Row], manifest: Manifest) -> RunContent:
    """Converts a row and its learning curve to an MLflow run.

    A run without a result (DIVERGED, FAILED) has no metrics at all, so that no search on a metric finds
    it; its outcome tag says why. MLflow's status is FINISHED for every outcome but FAILED.
    """
    from sweeps.tracking.mlflow_store import RunContent

    has_lambda = "lam" in manifest.own.get(split_variant(row["algorithm"])[0], {"lam": None})
    params = {name: text(row[name]) for name in ("algorithm", *(["lam"] if has_lambda else []), "seed")}
    params |= own_values(row["algorithm"])
    params |= {"iterations": text(row["budget"]), "configuration": text(row["configuration"])}
    params |= {"precision": manifest.precision}
    params |= {name: text(row[name]) for name in manifest.hyper_parameters if row[name] is not None}
    tags = {
        "kind": "run",
        "run_key": row["run_key"],
        "algorithm": row["algorithm"],
        VERSION: str(row[VERSION]),  # runs mirrored before there was this tag are of version 1
        "data_version": row["data_version"],
        "outcome": row["outcome"],
        "cohort": row["cohort_key"],
        "device": row["device"],
        "configuration_key": row["configuration_key"],
        "finished_at": row["finished_at"].isoformat(),
        "mlflow.source.git.commit": row["git_commit"],
    }
    if row["diverged_at"] is not None:
        tags["diverged_at"] = str(row["diverged_at"])
    if row["sampler"] is not None:
        tags["sampler"] = row["sampler"]
    if row["error"]:
        tags["error"] = row["error"][:ERROR_LENGTH]
    return RunContent(
        name=run_name(row, has_lambda),
        started=milliseconds(row["started_at"]),
        finished=milliseconds(row["finished_at"]),
        status="FAILED" if row["outcome"] == Outcome.FAILED else "FINISHED",
        params=params,
        metrics=list(_metrics(row, curve, manifest))
        if row["outcome"] in (Outcome.COMPLETED, Outcome.STOPPED)
        else [],
        tags=tags,
    )


def _metrics(row: Row, curve: Sequence[Row], manifest: Manifest) -> Iterator[tuple[str, float, int, int]]:
    """Yields (name, value, time, step) for the finite points of the curve, and for the final values as the latest.

    MLflow searches on the value at the highest step: a final value must be that one, so a point of its
    curve at the same step makes way, and a metric without a final value has no curve.
    """
    started, finished = milliseconds(row["started_at"]), milliseconds(row["finished_at"])
    last = row["iterations"]
    final = [metric.name for metric in manifest.metrics if _finite(row[metric.name])]
    for name in final:
        yield name, row[name], finished, last
    for name in COSTS:
        if _finite(row[name]):
            yield name, row[name], finished, last
    for point in curve:
        step = point["iteration"]
        # Curves store no times: the points are spread evenly over the run's
        at = started + (finished - started) * min(step, last) // max(last, 1)
        names = [*(final if step < last else ()), *manifest.losses]
        yield from ((name, point[name], at, step) for name in names if _finite(point[name]))


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def milliseconds(time: datetime) -> int:
    """MLflow's time: since 1970."""
    return int(time.timestamp() * 1000)


@contextlib.contextmanager
def copy_report(directory: str) -> Iterator[tuple[Path, str]]:
    """Copies the study's report to a local folder; yields it and the digest of its files, '' if there is none."""
    filesystem, path = open_directory(directory)
    source = f"{path}/report"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        # The target of a link is no part of the report, and may be private.
        there = filesystem.get_file_info(source).type == pafs.FileType.Directory
        if there and not is_link(filesystem, source):
            if isinstance(filesystem, pafs.LocalFileSystem):
                shutil.copytree(source, folder, symlinks=True, dirs_exist_ok=True)
                for link in [path for path in folder.rglob("*") if path.is_symlink()]:
                    link.unlink()
            else:
                pafs.copy_files(source, temporary, source_filesystem=filesystem)
            for file in [path for path in folder.rglob(".*") if path.is_file()]:
                file.unlink()
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        parts = (f"{file.relative_to(folder)}\0".encode() + file.read_bytes() for file in files)
        digests = b"".join(hashlib.sha256(part).digest() for part in parts)
        yield folder, hashlib.sha256(digests).hexdigest() if files else ""
