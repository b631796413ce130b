"""Models that are kept as runs train: models/WHICH/RUN_KEY.safetensors beside the rows, each a file of a trained model.

Of `best` a cohort keeps its own best run of each group, before it writes its rows; those that turn out not to be the study's best
are removed at its end. A row once stored only loses that place, so it does not matter who removes, and when: a study that was
killed has a few files more until it is continued.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.fs as pafs
from rich.console import Console

from result_files import below, own_folder, visible_files, write
from result_manifest import Manifest
from result_metrics import MetricInfo
from result_reading import read_runs
from result_schema import VERSION, Outcome
from sweeps.store.store import Store

if TYPE_CHECKING:
    from trainables.engine.training import Result, Training

NONE, BEST, ALL = KEEP = ("none", "best", "all")

FOLDER, ENDING = "models", ".safetensors"

GROUP = ("algorithm", "lam", "budget", "data_version", VERSION)
"""Columns in which the runs agree of which one is the best."""

Values = Mapping[str, Any]


def check(which: str) -> None:
    """Raises ValueError where it is none of KEEP."""
    if which not in KEEP:
        raise ValueError(f"--keep must be one of {', '.join(KEEP)}, got {which!r}")


def prepare(store: Store, which: str) -> None:
    """Makes the folder of what is kept. Raises ForeignFolderError where it leads out of the study's directory."""
    if which != NONE:
        own_folder(store.filesystem, store.path, FOLDER)
        own_folder(store.filesystem, store.path, f"{FOLDER}/{which}")


def keep(store: Store, which: str, training: Training, results: Sequence[Result], provenance: Values) -> None:
    """Writes the models of a cohort that are to be kept; to be called before its rows are written.

    Args:
        store: of the study.
        which: one of KEEP.
        training: of the cohort, finished.
        results: of it.
        provenance: device, git_commit and versions, as of `Store.write`.

    Raises:
        OSError: one cannot be written.
    """
    if which == NONE:
        return
    from trainables.saved_models import files, weights  # torch
    from trainables.saved_models.record import Record

    rows = [
        {
            "run_key": r.run.key, "outcome": Outcome.STOPPED if r.stopped else Outcome.COMPLETED, **(r.metrics or {}),
            "algorithm": r.run.algorithm, "lam": r.run.lam, "budget": r.run.budget, "data_version": r.run.dataset.version,
            VERSION: r.run.version,
        }
        for r in results if not r.diverged_at
    ]  # fmt: skip
    kept = set(best(rows, store.manifest)) if which == BEST else {row["run_key"] for row in rows}
    origin = (provenance["device"], provenance["git_commit"], provenance["versions"])
    for m, result in enumerate(results):
        if result.run.key in kept:
            record = Record.of(training, result, *origin)
            content = files.packed(record, weights.of_member(training.cohort, m))
            if store.token:
                store.token.check()
            write(store.filesystem, _path(store, which, result.run.key), content)


def best(rows: Iterable[Values], manifest: Manifest) -> list[str]:
    """Keys of the best COMPLETED run of each group, by the last headline metric that the group has; of equal ones the last key.

    Args:
        rows: of runs.
        manifest: which metrics head the study, and which direction is better.
    """
    groups: dict[tuple[Any, ...], list[Values]] = {}
    for row in rows:
        if row["outcome"] == Outcome.COMPLETED:
            groups.setdefault(tuple(row[name] for name in GROUP), []).append(row)
    known = {metric.name: metric for metric in manifest.metrics}
    headline = [known[name] for name in reversed(manifest.headline) if name in known]
    return [found for own in groups.values() if (found := _best_of(own, headline))]


def _best_of(rows: Sequence[Values], headline: Sequence[MetricInfo]) -> str:
    for metric in headline:
        having = [row for row in rows if row.get(metric.name) is not None]
        if having:
            first = max(having, key=lambda row: (metric.better * row[metric.name], row["run_key"]))
            return str(first["run_key"])
    return ""


def settle(store: Store, which: str, console: Console) -> None:
    """Removes models that are kept as the best and are not, and says what is kept."""
    if which == NONE:
        return
    files = {key: info for kind, key, info in _files(store) if kind == which}
    rows = read_runs(store.uri).to_pylist()
    if which == BEST:
        wanted = set(best(rows, store.manifest))
        done = {row["run_key"] for row in rows if row["outcome"] == Outcome.COMPLETED}
        for key in done.intersection(files) - wanted:
            with contextlib.suppress(FileNotFoundError):  # somebody else has
                store.filesystem.delete_file(files.pop(key).path)
    else:
        wanted = {row["run_key"] for row in rows if row["outcome"] in (Outcome.COMPLETED, Outcome.STOPPED)}
    size, lost = sum(info.size or 0 for info in files.values()), len(wanted - set(keys(store)))
    models = "model" if len(files) == 1 else "models"
    place = below(store.uri, f"{FOLDER}/{which}")
    console.print(f"keep      {len(files):,} {models}, {size / 1e6:.2f} MB, in {place}")
    if lost:
        console.print(
            f"keep      {lost:,} of {len(wanted):,} runs were trained without it; open_study(…).model(RUN_KEY) trains one again"
        )


def read(store: Store, run_key: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of each kept model of a run. Raises OSError."""
    for which in (ALL, BEST):
        path = _path(store, which, run_key)
        if store.filesystem.get_file_info(path).type == pafs.FileType.File:
            with store.filesystem.open_input_stream(path) as stream:
                yield path, stream.read()


def keys(store: Store) -> list[str]:
    """Runs of which a model is kept; the best ones first."""
    found = sorted((kind != BEST, key) for kind, key, _ in _files(store))
    return list(dict.fromkeys(key for _, key in found))


def _files(store: Store) -> Iterator[tuple[str, str, pafs.FileInfo]]:
    """Kind, run key and file of every kept model."""
    for which in (BEST, ALL):
        for info in visible_files(store.filesystem, f"{store.path}/{FOLDER}/{which}"):
            if info.extension == ENDING[1:]:
                yield which, Path(info.base_name).stem, info


def _path(store: Store, which: str, run_key: str) -> str:
    return f"{store.path}/{FOLDER}/{which}/{run_key}{ENDING}"
