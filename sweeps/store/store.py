"""Store of a study's results: one Parquet row per run, written with its cohort in one atomic step."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from result_files import open_directory, own_folder, visible_files, write
from result_metrics import MetricInfo
from result_pictures import FOLDER as PICTURES
from result_pictures import table as pictures_table
from result_published import Published
from result_schema import (
    FINISHED,
    GRID,
    HEADLINE,
    LOSSES,
    MANIFEST,
    REFERENCE,
    SAMPLES,
    VERSION,
    Manifest,
    Outcome,
    SchemaError,
    Target,
    check_columns,
    check_target,
    read_manifest,
    read_runs,
    read_table,
)
from sweeps.store.declared_rows import WEIGHED, by_key, misplaced, renamed
from sweeps.store.lease import Token
from sweeps.store.shown import colours_of, descriptions_of, levels_of
from sweeps.study.space import Space
from trainables import datasets, metrics, objectives
from trainables.configurations import required
from trainables.runs import Run

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet
    from trainables.engine.training import Result
    from trainables.objectives.base import Objective
    from trainables.parameters import Parameter

ROWS_TOGETHER = 12
"""Rows of pictures in a group: those of a few runs are read without the others'."""

BEGUN = "begun-"
"""Prefix of the name of a state that a cohort in training keeps."""


class Store:
    """A study's results directory, local or any `pyarrow.fs` URI.

    Args:
        uri: the directory. Nothing is written until `create`.
        lease: name of the lease under which this process writes, or None.

    Attributes:
        token: that lease. Every write raises Fenced once another driver has taken it.
    """

    def __init__(self, uri: str, lease: str | None = None) -> None:
        self.uri = uri
        self.filesystem, self.path = open_directory(uri)
        self.token = Token(self.filesystem, self.path, lease) if lease else None

    @cached_property
    def manifest(self) -> Manifest:
        """Manifest as this store wrote it, or as it was at the first access."""
        return read_manifest(self.uri)

    @property
    def schema(self) -> pa.Schema:
        """Schema of the rows, from the manifest."""
        return self.manifest.runs_schema

    def check(self, study: str, precision: str = "float32") -> bool:
        """True if the directory already is this study's store; False if there is nothing yet.

        Raises:
            SchemaError: it holds another study, precision or schema version, or is no store and not empty.
        """
        info = self.filesystem.get_file_info(self.path)
        if info.type == pafs.FileType.NotFound:
            return False
        if info.type == pafs.FileType.File:
            raise SchemaError(f"{self.uri} must be a directory, but it is a file; choose another --results")
        if not visible_files(self.filesystem, self.path):
            return False
        manifest = read_manifest(self.uri)
        if manifest.study != study:
            raise SchemaError(
                f"{self.uri} holds the study {manifest.study!r}, not {study!r}; choose another --results"
            )
        if manifest.precision != precision:
            raise SchemaError(f"{self.uri} holds results in precision {manifest.precision}, not {precision}; "
                              f"choose another --results, or --precision {manifest.precision}")  # fmt: skip
        return True

    @property
    def uri_for_workers(self) -> str:
        """The directory, valid in a process with another working directory."""
        return self.uri if "://" in self.uri else self.path

    def check_writable(self) -> None:
        """Raises SchemaError if a local directory cannot be made or written."""
        if not isinstance(self.filesystem, pafs.LocalFileSystem):
            return
        path = Path(self.path)
        there = next(p for p in (path, *path.parents) if p.exists())
        try:
            with tempfile.TemporaryFile(dir=there):
                pass
        except OSError as error:
            raise SchemaError(f"--results must be a directory that can be written, but {there} cannot be "
                              f"({error.strerror or error}); choose another") from error  # fmt: skip

    def create(
        self,
        study: str,
        question: str,
        precision: str = "float32",
        searched: bool = False,
        data: str = "mixture5",
        targets: tuple[Target, ...] = (),
        limits: Target = (),
        smallest_differences: Mapping[str, float] | None = None,
        looks: tuple[int, ...] = (),
        hyper_parameters: Mapping[str, Parameter] | None = None,
        default: Mapping[str, Any] | None = None,
        algorithms: Iterable[str] = (),
        further: Sequence[str] = (),
        headline: Sequence[str] = HEADLINE,
        sections: tuple[str, ...] = (),
        published: Published | None = None,
        space: Space | None = None,
    ) -> None:
        """Makes the directory the store of this study on these data. A store that exists keeps its rows; its manifest gains
        looks that are planned now, new hyper-parameters with a default (the value that its rows had), names of algorithms
        from elsewhere, new metrics and losses (which its rows lack), limits, sections of the report, published numbers, words
        for hyper-parameters, levels, and colours of algorithms where it has any.

        Metrics are all available ones that models of the data can have, and the `further` ones, at import paths; the
        `headline` and the smallest differences are kept for these metrics alone.

        Raises:
            ValueError: a further metric cannot be found, a metric has the name of another column, or a target needs a metric
                that the data do not allow.
            SchemaError: as `check`, or other looks are planned.
            ForeignFolderError: a folder in it is a link.
            OSError: it cannot be written.
        """
        columns = required() if hyper_parameters is None else hyper_parameters
        used = [objectives.find(name) for name in algorithms]
        descriptions = descriptions_of(columns, used, space or {})
        taken = metrics.applicable(datasets.find(data), further)
        infos = tuple(metric.info for metric in taken.values())
        losses = tuple(
            dict.fromkeys((*LOSSES, *(f"{player}_loss" for one in used for player in one.form.players)))
        )
        check_columns(infos, losses, columns)
        for target in (*targets, *filter(None, [limits])):
            check_target(target, infos)
        if published is not None and published.statements:
            about = datasets.find(published.data)
            # Files of other data than the study's may not be here, and then no run is of them.
            if published.data == data or not datasets.reads_files(published.data):
                published = replace(published, data=about.version)
        contributed = {one.plain: one for one in used if one.plain not in objectives.available()}
        if not self.check(study, precision):
            self.filesystem.create_dir(self.path, recursive=True)
            from trainables.models.pictures import KINDS  # torch

            found = datasets.find(data)
            if found.reference is not None:  # before the manifest, which says that all is there
                own_folder(self.filesystem, self.path, "samples")
                row = {"run_key": REFERENCE, "points": found.reference.numpy().ravel()}
                self._write_table(f"samples/{REFERENCE}.parquet", pa.Table.from_pylist([row], schema=SAMPLES))
            everyone = {**objectives.available(), **contributed}
            manifest = Manifest(
                study=study,
                hyper_parameters={name: parameter.kind for name, parameter in columns.items()},
                question=question,
                precision=precision,
                searched=searched,
                shape=found.shape,
                ink=found.ink,
                coordinates=found.coordinates,
                targets=targets,
                limits=limits,
                best={
                    name: best
                    for name, metric in taken.items()
                    if (best := metric.best_on(found)) is not None
                },
                smallest_differences={
                    n: value for n, value in (smallest_differences or {}).items() if n in taken
                },
                looks=looks,
                labels={name: one.label for name, one in everyone.items()},
                baselines={name: one.baselines for name, one in everyone.items() if one.baselines},
                own=_own(everyone.values()),
                default=default or {},
                metrics=infos,
                losses=losses,
                headline=tuple(name for name in headline if name in taken),
                data=data,
                modes=found.modes,
                mode_std=found.mode_std,
                sections=sections,
                published=published,
                colours=colours_of(used, {}),
                descriptions=descriptions,
                levels=levels_of(space or {}, {}),
                pictures=KINDS,
            )
            self._write_bytes(MANIFEST, manifest.to_json().encode())
        else:
            known = read_manifest(self.uri)
            now = self._amended(known, looks, columns, contributed, infos, losses, datasets.find(data))
            published = known.published if published is None else published
            limits = limits or known.limits
            now = replace(
                now,
                own={**_own(used), **known.own},
                sections=sections,
                published=published,
                limits=limits,
                colours=colours_of(used, known.colours) if known.colours else {},
                descriptions={**known.descriptions, **descriptions},
                levels=levels_of(space or {}, known.levels),
            )
            if now != known:
                made = self.filesystem.get_file_info(
                    f"{self.path}/{MANIFEST}"
                ).mtime_ns  # its runs in MLflow are told by it
                now = replace(now, made=known.made or str(made))
                self._write_bytes(MANIFEST, now.to_json().encode())
        vars(self).pop("manifest", None)
        for name in ("runs", "curves", "samples", PICTURES, "states"):
            own_folder(self.filesystem, self.path, name)

    def _amended(
        self,
        known: Manifest,
        looks: tuple[int, ...],
        columns: Mapping[str, Parameter],
        contributed: Mapping[str, Objective],
        infos: Sequence[MetricInfo],
        losses: Sequence[str],
        data: DataSet,
    ) -> Manifest:
        """The manifest with additions; its rows stay valid. Raises SchemaError if other looks are planned."""
        if known.looks and looks and looks != known.looks:
            planned, wanted = (", ".join(map(str, units)) for units in (known.looks, looks))
            raise SchemaError(f"{self.uri} is looked at after {planned} units by plan, got {wanted}; declare as many as "
                              "then, or choose another --results")  # fmt: skip
        added = {name: p for name, p in columns.items() if name not in known.hyper_parameters}
        new = {metric.name: metric for metric in infos}
        kept = (
            replace(one, path=new.pop(one.name).path) if one.name in new else one for one in known.metrics
        )
        merged, losses = (*kept, *new.values()), tuple(dict.fromkeys((*known.losses, *losses)))
        check_columns(merged, losses, {*known.hyper_parameters, *added})
        compared = {name: one.baselines for name, one in contributed.items() if one.baselines}
        return replace(
            known,
            looks=looks or known.looks,
            hyper_parameters={**known.hyper_parameters, **{name: p.kind for name, p in added.items()}},
            absent={**known.absent, **{name: p.value_without(data) for name, p in added.items()}},
            labels={**known.labels, **{name: one.label for name, one in contributed.items()}},
            # One from before manifests had them is read with the baselines of its time, to which none is added.
            baselines={**known.baselines, **compared} if known.baselines else {},
            metrics=merged,
            losses=losses,
        )

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
        curves = [{"run_key": r.run.key, **point} for r in results for point in r.curve]
        samples = [{"run_key": r.run.key, "points": r.samples.ravel()} for r in results if len(r.samples)]
        for result in results:
            self._check_columns(result)
        rows = [
            {
                **_identity(r.run),
                **(r.metrics or {}),
                "outcome": _outcome(r),
                "diverged_at": r.diverged_at,
                "iterations": r.iterations,
                "train_seconds": r.train_seconds,
                "energy_joules": None if watts is None else watts * r.train_seconds,
                **(utilisation or {}),
                **_shared(cohort_key, len(results), provenance),
            }
            for r in results
        ]
        self._write_table(
            f"curves/{cohort_key}.parquet", pa.Table.from_pylist(curves, schema=self.manifest.curves_schema)
        )
        self._write_table(f"samples/{cohort_key}.parquet", pa.Table.from_pylist(samples, schema=SAMPLES))
        if pictures := {r.run.key: r.pictures for r in results if r.pictures}:
            self._write_table(f"{PICTURES}/{cohort_key}.parquet", pictures_table(pictures), ROWS_TOGETHER)
        self._write_table(f"runs/{cohort_key}.parquet", pa.Table.from_pylist(rows, schema=self.schema))

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
        self._write_bytes(f"states/{name}.pt", content)

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

    def write_failed(self, runs: Sequence[Run], cohort_key: str, error: str, **provenance: Any) -> None:
        """Stores FAILED rows of runs whose trial was lost for good; a later success takes their place."""
        rows = [
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
        self._write_table(f"runs/failed-{cohort_key}.parquet", pa.Table.from_pylist(rows, schema=self.schema))

    def _write_table(self, name: str, table: pa.Table, group: int | None = None) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", row_group_size=group)
        self._write_bytes(name, sink.getvalue())

    def _write_bytes(self, name: str, content: bytes | pa.Buffer) -> None:
        if self.token:
            self.token.check()
        write(self.filesystem, f"{self.path}/{name}", content)


def _own(systems: Iterable[Objective]) -> dict[str, dict[str, float | None]]:
    """Algorithm -> hyper-parameters of its own, without the algorithms that have λ alone."""
    return {one.plain: one.hyper_parameters for one in systems if list(one.hyper_parameters) != ["lam"]}


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


def _shared(cohort_key: str, size: int, provenance: dict[str, Any]) -> dict[str, Any]:
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
