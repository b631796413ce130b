"""Converts a study's rows and its report to what MLflow holds of them."""

from __future__ import annotations

import contextlib
import hashlib
import math
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.fs as pafs

from result_files import is_link, open_directory
from result_manifest import Manifest
from result_names import own_values, split_variant
from result_schema import UTILISATION, VERSION, Outcome, run_name
from sweeps.tracking.shown.data_sets import data_of
from sweeps.tracking.study_rows import MEASURED, Row

if TYPE_CHECKING:
    from sweeps.tracking.mlflow_store import RunContent

ERROR_LENGTH = 1_000
COSTS = ("train_seconds", "energy_joules")
"""Columns of what a run cost, which stand among its metrics."""

SYSTEM = {
    name: f"system/{name.replace('gpu_', 'gpu_0_')}"  # a trial has one GPU, the first that it sees
    for name in UTILISATION
}
"""Column -> metric under "System metrics"."""


def text(value: object) -> str:
    """Text of a parameter as typed in a search: 0.1, 1 for 1.0, 1e-05. Exact: equal text, equal value."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def run_content(row: Row, curve: Sequence[Row], manifest: Manifest, colours: Mapping[str, str]) -> RunContent:
    """Converts a row and its learning curve to an MLflow run, in its algorithm's colour.

    A run without a result (DIVERGED, FAILED) has no metrics at all, so that no search on a metric finds
    it; its outcome tag says why. MLflow's status is FINISHED for every outcome but FAILED.
    """
    from sweeps.tracking.mlflow_store import RunContent

    params = {**params_of(row, manifest), "seed": text(row["seed"])}
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
        "mlflow.runColor": colours[row["algorithm"]],
    }
    if row["diverged_at"] is not None:
        tags["diverged_at"] = str(row["diverged_at"])
    if row["sampler"] is not None:
        tags["sampler"] = row["sampler"]
    if row["error"]:
        tags["error"] = row["error"][:ERROR_LENGTH]
    return RunContent(
        name=run_name(row, has_lambda(row, manifest)),
        started=milliseconds(row["started_at"]),
        finished=milliseconds(row["finished_at"]),
        status="FAILED" if row["outcome"] == Outcome.FAILED else "FINISHED",
        params=params,
        metrics=list(_metrics(row, curve, manifest)) if row["outcome"] in MEASURED else [],
        tags=tags,
        data=data_of(row["data_version"], manifest),
    )


def params_of(row: Row, manifest: Manifest) -> dict[str, str]:
    """Parameters of a run, or of all that differ in their seeds alone."""
    params = {
        name: text(row[name]) for name in ("algorithm", *(["lam"] if has_lambda(row, manifest) else []))
    }
    params |= own_values(row["algorithm"])
    params |= {"iterations": text(row["budget"]), "configuration": text(row["configuration"])}
    params |= {"precision": manifest.precision}
    return params | {name: text(row[name]) for name in manifest.hyper_parameters if row[name] is not None}


def has_lambda(row: Row, manifest: Manifest) -> bool:
    """Whether a row's algorithm reads λ."""
    return "lam" in manifest.own.get(split_variant(row["algorithm"])[0], {"lam": None})


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
    for name, metric in SYSTEM.items():
        if _finite(row[name]):
            yield metric, row[name], finished, 0  # MLflow's steps of them are samples
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
