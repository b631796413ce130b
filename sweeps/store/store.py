"""Store of a study's results: one Parquet row per run, written with its cohort in one atomic step."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs

from result_files import visible_files
from result_manifest import MANIFEST, Manifest, SchemaError, read_manifest
from result_pictures import FOLDER as PICTURES
from result_pictures import table as pictures_table
from result_reading import read_runs, read_table
from result_schema import FINISHED, GRID, SAMPLES, VERSION, Outcome
from sweeps.store.creation import DeclaredDirectory
from sweeps.store.declared_rows import WEIGHED, by_key, misplaced, renamed
from trainables.runs import Run

if TYPE_CHECKING:
    from trainables.engine.training import Result

ROWS_TOGETHER = 12
"""Rows of pictures in a group: those of a few runs are read without the others'."""

Rows = list[dict[str, Any]]

BEGUN = "begun-"
"""Prefix of the name of a state that a cohort in training keeps."""


class Store(DeclaredDirectory):
    """A study's results directory with the rows of its runs, and the states from which cohorts continue."""

    def finished(self) -> set[str]:
        """Keys of runs that need no training, COMPLETED or DIVERGED: the keys of now, and those under which they are stored;
        none if there is no study yet. Reads no more columns than that takes.
        """
        runs = self._finished_rows(("run_key", "outcome", *WEIGHED))
        return set(runs["run_key"].to_pylist()).union(self._renamed(runs).values())

    def count_finished(self) -> int:
        """Number of stored runs that need no training; loads no objectives."""
        found: int = pc.count_distinct(self._finished_rows(("run_key", "outcome"))["run_key"]).as_py()
        return found

    def _finished_rows(self, columns: Sequence[str]) -> pa.Table:
        """These columns of the rows of finished runs, of which one may have several."""
        if self.filesystem.get_file_info(f"{self.path}/{MANIFEST}").type == pafs.FileType.NotFound:
            return Manifest("", {}).runs_schema.empty_table()
        rows = read_table(self.uri, "runs", read_manifest(self.uri).runs_schema, columns=columns)
        return rows.filter(pc.is_in(rows["outcome"], value_set=pa.array([o.value for o in FINISHED])))

    def rows(self) -> pa.Table:
        """One row per run, under the key that the run has now (`declared_rows.by_key`)."""
        runs = read_runs(self.uri)
        return by_key(runs, renamed(runs, read_manifest(self.uri)))

    def outcomes(self) -> dict[str, str]:
        """Key that a run has now -> outcome of its row."""
        runs = read_runs(self.uri, ("run_key", "outcome", *WEIGHED, "iterations", "finished_at"))
        rows = by_key(runs, self._renamed(runs))
        return dict(zip(rows["run_key"].to_pylist(), rows["outcome"].to_pylist(), strict=True))

    def _renamed(self, runs: pa.Table) -> dict[str, str]:
        """`declared_rows.renamed` of rows of which some columns were read: the others are read where a row needs them."""
        if not len(moved := misplaced(runs)):
            return {}
        manifest = read_manifest(self.uri)
        keys = moved["run_key"].unique().to_pylist()
        return renamed(read_table(self.uri, "runs", manifest.runs_schema, keys), manifest)

    def contents(self) -> list[tuple[str, object]]:
        """Files of rows with their modification times, which change with the rows."""
        found = visible_files(self.filesystem, f"{self.path}/runs")
        return sorted((info.path, info.mtime) for info in found)

    def holds(self, cohort_key: str) -> bool:
        """True if the rows of this cohort, all its members trained together, are stored in a file of its own, as they are while a
        study trains; of a cohort that was folded nobody trains a member again.
        """
        info = self.filesystem.get_file_info(f"{self.path}/runs/{cohort_key}.parquet")
        return info.type == pafs.FileType.File

    def write(
        self,
        results: Sequence[Result],
        cohort_key: str,
        watts: float | None = None,
        utilisation: Mapping[str, float] | None = None,
        **provenance: Any,
    ) -> None:
        """Stores a cohort's results: curves, samples and pictures first, rows last, each file in one atomic step.

        watts: power that the cohort's part of its device took while it trained; None where that is not known.
        utilisation: columns of UTILISATION that are known.
        provenance: device, device_share, git_commit, versions (a mapping), sampler (GRID where left out), started_at, finished_at.
        """
        for result in results:
            self._check_columns(result)
        rows = _trained_rows(results, cohort_key, watts, utilisation or {}, provenance)
        curves, samples = _points(results), _samples(results)
        self.write_table(
            f"curves/{cohort_key}.parquet", pa.Table.from_pylist(curves, schema=self.manifest.curves_schema)
        )
        self.write_table(f"samples/{cohort_key}.parquet", pa.Table.from_pylist(samples, schema=SAMPLES))
        if pictures := {r.run.key: r.pictures for r in results if r.pictures}:
            self.write_table(f"{PICTURES}/{cohort_key}.parquet", pictures_table(pictures), ROWS_TOGETHER)
        self.write_table(f"runs/{cohort_key}.parquet", pa.Table.from_pylist(rows, schema=self.schema))

    def write_failed(self, runs: Sequence[Run], cohort_key: str, error: str, **provenance: Any) -> None:
        """Stores FAILED rows of runs whose trial was lost for good; a later success takes their place."""
        rows = _failed_rows(runs, cohort_key, error, provenance)
        self.write_table(f"runs/failed-{cohort_key}.parquet", pa.Table.from_pylist(rows, schema=self.schema))

    def _check_columns(self, result: Result) -> None:
        """Raises SchemaError if a hyper-parameter, metric or loss of the run has no column: it would be lost."""
        points = {name for point in result.curve for name in point}
        for what, names, known in (
            ("hyper-parameter", result.run.configuration.content, self.schema.names),
            ("metric", result.metrics or {}, self.schema.names),
            ("metric and loss", points, self.manifest.curves_schema.names),
        ):
            if lost := sorted(set(names) - set(known)):
                raise SchemaError(f"{self.uri} must have a column for every {what} of its runs, but has none of "
                                  f"{', '.join(lost)}; give the study's command again")  # fmt: skip

    def write_state(self, name: str, content: bytes) -> None:
        """Keeps the state of a cohort, from which its members continue in other cohorts; to be called before its rows are written."""
        self.write_bytes(f"states/{name}.pt", content)

    def read_state(self, name: str) -> bytes:
        """Reads a state. Raises FileNotFoundError if none of this name is kept."""
        with self.filesystem.open_input_stream(f"{self.path}/states/{name}.pt") as stream:
            content: bytes = stream.read()
        return content

    def states(self) -> set[str]:
        """Names of the states from which the next rung continues."""
        return {name for name in self._states() if not name.startswith(BEGUN)}

    def begun(self) -> set[str]:
        """Names of the states from which interrupted cohorts continue."""
        return {name for name in self._states() if name.startswith(BEGUN)}

    def _states(self) -> set[str]:
        found = visible_files(self.filesystem, f"{self.path}/states")
        return {info.base_name.removesuffix(".pt") for info in found if info.extension == "pt"}

    def drop_states(self, names: Iterable[str]) -> None:
        """Removes states, if they exist, from which no run continues."""
        if self.token:
            self.token.check()
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                self.filesystem.delete_file(f"{self.path}/states/{name}.pt")


def _trained_rows(
    results: Sequence[Result],
    cohort_key: str,
    watts: float | None,
    utilisation: Mapping[str, float],
    provenance: Mapping[str, Any],
) -> Rows:
    """Rows of runs that were trained; watts, utilisation and provenance as of `Store.write`."""
    return [
        {
            **_identity(r.run),
            **(r.metrics or {}),
            "outcome": _outcome(r),
            "diverged_at": r.diverged_at,
            "iterations": r.iterations,
            "train_seconds": r.train_seconds,
            "energy_joules": None if watts is None else watts * r.train_seconds,
            **utilisation,
            **_shared(cohort_key, len(results), provenance),
        }
        for r in results
    ]


def _failed_rows(runs: Sequence[Run], cohort_key: str, error: str, provenance: Mapping[str, Any]) -> Rows:
    """FAILED rows of runs whose trial was lost."""
    return [
        {
            **_identity(run),
            "outcome": Outcome.FAILED,
            "iterations": 0,
            "error": error,
            "train_seconds": 0.0,
            **_shared(cohort_key, len(runs), provenance),
        }
        for run in runs
    ]


def _points(results: Sequence[Result]) -> Rows:
    """Points of the learning curves."""
    return [{"run_key": r.run.key, **point} for r in results for point in r.curve]


def _samples(results: Sequence[Result]) -> Rows:
    """Generated points of the runs that have some, row-major."""
    return [{"run_key": r.run.key, "points": r.samples.ravel()} for r in results if len(r.samples)]


def _outcome(result: Result) -> Outcome:
    if result.diverged_at:
        return Outcome.DIVERGED
    return Outcome.STOPPED if result.stopped else Outcome.COMPLETED


def _identity(run: Run) -> dict[str, Any]:
    return {
        "run_key": run.key,
        "study": run.study,
        "algorithm": run.algorithm,
        "lam": run.lam,
        "seed": run.seed,
        "configuration": run.number,
        "configuration_key": run.configuration.key,
        "budget": run.budget,
        "data_version": run.dataset.version,
        VERSION: run.version,
        **run.hyper_parameters,
    }


def _shared(cohort_key: str, size: int, provenance: Mapping[str, Any]) -> dict[str, Any]:
    versions = json.dumps(provenance["versions"], sort_keys=True)
    finished_at = provenance.get("finished_at", datetime.now(UTC))
    return {
        "cohort_key": cohort_key,
        "cohort_size": size,
        "sampler": GRID,
        **provenance,
        "versions": versions,
        "finished_at": finished_at,
    }
