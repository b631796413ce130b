"""A study of any size from a stored one: its rows again and again, each time with further seeds and other values.

    python -m infra.benchmarks.at_scale.large_study docs/paper_study /tmp/large --rows 1152000
    python -m infra.benchmarks.at_scale.large_study docs/paper_study /tmp/cohorts --rows 57600 --files cohorts

Nothing is trained. The first copy is the stored rows themselves. Every further one has new seeds, the keys that runs
with these seeds have, and metrics moved by noise of a fixed generator; curves, samples and pictures are those of the rows.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import command_output
from result_manifest import MANIFEST, Manifest, read_manifest
from result_metrics import LARGER, MetricInfo
from result_reading import read_curves, read_runs, read_table
from result_schema import SAMPLES, VERSION
from trainables import datasets
from trainables.configurations import Configuration, content_hash
from trainables.runs import run_key

NOISE = 0.05
"""Standard deviation of the noise: of the logarithm of metrics that are compared as ratios, of others as a part of their own."""

WHOLE, COHORTS = "whole", "cohorts"
"""One file of each kind, or a file for each cohort, as a study in training leaves them."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the directory."""
    parser = argparse.ArgumentParser(prog="infra.benchmarks.at_scale.large_study", description=__doc__)
    parser.add_argument("source", help="directory of the stored study")
    parser.add_argument("target", type=Path, help="a new local directory")
    parser.add_argument("--rows", type=int, required=True, help="runs of the large study")
    parser.add_argument(
        "--files", choices=(WHOLE, COHORTS), default=WHOLE, help="what a file holds (default: all)"
    )
    options = parser.parse_args(arguments)
    if options.target.exists():
        parser.error(
            f"target must be a new directory, got {options.target}, which is there; remove it or name another"
        )
    make(options.source, options.target, options.rows, by_cohort=options.files == COHORTS)
    print(options.target)


def make(source: str, target: Path, rows: int, *, by_cohort: bool = False) -> None:
    """Writes a study of so many rows into a new directory; a file per cohort, or one in all.

    Raises:
        ValueError: a number of rows < 1, or the keys of the stored rows are not those that their runs have now.
    """
    if rows < 1:
        raise ValueError(f"rows must be >= 1, got {rows}")
    target.mkdir(parents=True)
    shutil.copyfile(Path(source) / MANIFEST, target / MANIFEST)
    files = Files(target, by_cohort=by_cohort)
    for tables in copies(source, rows):
        for name, table in tables.items():
            files.add(name, table)
    files.close()


def copies(source: str, rows: int) -> Iterator[dict[str, pa.Table]]:
    """One copy of the stored study after the other: folder -> table, together with so many rows of runs.

    Every table has the cohort of its runs: others than `runs` as their last column.
    """
    manifest = read_manifest(source)
    runs = read_runs(source).sort_by(
        [("cohort_key", "ascending"), ("run_key", "ascending")]
    )  # cohorts stay whole
    keys = Keys(manifest, runs)
    others = {"curves": read_curves(source), "samples": read_table(source, "samples", SAMPLES)}
    pictures = Path(source) / "pictures"
    if pictures.is_dir():
        others["pictures"] = pq.read_table(pictures)
    first = runs["run_key"]
    for copy in range(-(-rows // runs.num_rows)):
        made = runs if copy == 0 else _moved(_again(runs, keys, copy), manifest, copy)
        made = made.slice(0, rows - copy * runs.num_rows)
        tables = {"runs": made}
        for name, table in others.items():
            place = pc.index_in(table["run_key"], value_set=first.slice(0, made.num_rows))
            table = table.filter(place.is_valid())  # others than REFERENCE, which is of no run
            place = place.drop_null()
            table = table.set_column(0, table.schema.field(0), made["run_key"].take(place))
            table = _moved(table, manifest, copy) if copy and name == "curves" else table
            tables[name] = table.append_column("cohort_key", made["cohort_key"].take(place))
        yield tables


class Keys:
    """The keys of runs with other seeds than the stored ones'.

    Args:
        manifest, runs: of the stored study.

    Raises:
        ValueError: a stored key is not the one that its run has now.
    """

    def __init__(self, manifest: Manifest, runs: pa.Table) -> None:
        self._precision = manifest.precision
        self._rows = runs.to_pylist()
        self._seeds = 1 + max(row["seed"] for row in self._rows)
        contents: dict[str, dict[str, object]] = {}
        for row in self._rows:
            if row["configuration_key"] not in contents:
                data = datasets.of_version(row["data_version"], manifest.data)
                values = {name: row[name] for name in manifest.hyper_parameters if row[name] is not None}
                contents[row["configuration_key"]] = (
                    Configuration(**values).on(datasets.find(data or manifest.data)).content
                )
        self._contents = contents
        changed = [
            row["run_key"] for row, key in zip(self._rows, self.of(0), strict=True) if row["run_key"] != key
        ]
        if changed:
            raise ValueError(
                f"{manifest.study} must have runs with the keys of now, but {len(changed)} have others, such as "
                f"{changed[0]}; take another study"
            )

    def seeds(self, copy: int) -> list[int]:
        """The seed of each row in a copy."""
        return [row["seed"] + copy * self._seeds for row in self._rows]

    def of(self, copy: int) -> list[str]:
        """The key of each row in a copy."""
        return [
            run_key(
                row["study"], row["algorithm"], row["lam"], seed, row["budget"], row["data_version"],
                self._contents[row["configuration_key"]], self._precision, row[VERSION],
            )
            for row, seed in zip(self._rows, self.seeds(copy), strict=True)
        ]  # fmt: skip


def _again(runs: pa.Table, keys: Keys, copy: int) -> pa.Table:
    """The rows of a copy: with seeds, keys and cohorts of its own, finished after those of the copy before."""
    cohorts = {cohort: content_hash([cohort, copy]) for cohort in runs["cohort_key"].unique().to_pylist()}
    took = pc.subtract(pc.max(runs["finished_at"]), pc.min(runs["started_at"])).as_py() * copy
    later = pa.scalar(took, pa.duration("us"))
    columns = {
        "run_key": keys.of(copy),
        "seed": keys.seeds(copy),
        "cohort_key": [cohorts[cohort] for cohort in runs["cohort_key"].to_pylist()],
        "started_at": pc.add(runs["started_at"], later),
        "finished_at": pc.add(runs["finished_at"], later),
    }
    for name, values in columns.items():
        place = runs.schema.get_field_index(name)
        column = (
            values if isinstance(values, pa.ChunkedArray) else pa.array(values, runs.schema.field(place).type)
        )
        runs = runs.set_column(place, runs.schema.field(place), column)
    return runs


def _moved(table: pa.Table, manifest: Manifest, copy: int) -> pa.Table:
    """A table with noise of this copy on its metrics; whole numbers stay whole, and none leaves its range."""
    generator = np.random.default_rng([copy, table.num_columns])
    for metric in manifest.metrics:
        place = table.schema.get_field_index(metric.name)
        values = table[metric.name].to_numpy()
        noise = generator.standard_normal(len(values))
        moved = _with_noise(metric, values, noise, manifest.best.get(metric.name, metric.best))
        table = table.set_column(place, table.schema.field(place), pa.array(moved, from_pandas=True))
    return table


def _with_noise(
    metric: MetricInfo, values: npt.NDArray[np.float64], noise: npt.NDArray[np.float64], best: float | None
) -> npt.NDArray[np.float64]:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return values
    if metric.log:
        return values * np.exp(NOISE * noise)
    moved = values + NOISE * finite.std() * noise
    if (finite == finite.round()).all():  # a count, which noise moves by one where it is large
        moved = values + np.trunc(noise / 2)
    low, high = (metric.worst, best) if metric.better == LARGER else (best, metric.worst)
    return np.clip(moved, low, high)


class Files:
    """Parquet files of a directory, to which tables are added.

    Args:
        target: the directory.
        by_cohort: whether each cohort has files of its own, named by its key; else a folder has one file.
    """

    def __init__(self, target: Path, *, by_cohort: bool) -> None:
        self._target, self._by_cohort = target, by_cohort
        self._open: dict[str, pq.ParquetWriter] = {}

    def add(self, name: str, table: pa.Table) -> None:
        """Write a table with a column of cohort keys into a folder."""
        folder = self._target / name
        folder.mkdir(exist_ok=True)
        if not table.num_rows:
            return
        if self._by_cohort:
            keys = table["cohort_key"]
            for cohort in keys.unique():
                rows = _columns(name, table.filter(pc.equal(keys, cohort)))
                pq.write_table(rows, folder / f"{cohort}.parquet", compression="zstd")
            return
        table = _columns(name, table)
        if name not in self._open:
            self._open[name] = pq.ParquetWriter(folder / "rows.parquet", table.schema, compression="zstd")
        self._open[name].write_table(table)

    def close(self) -> None:
        """Finish the files."""
        for writer in self._open.values():
            writer.close()


def _columns(name: str, table: pa.Table) -> pa.Table:
    """The columns that a folder's files have."""
    return table if name == "runs" else table.drop_columns(["cohort_key"])


if __name__ == "__main__":
    command_output.lasting()
    main()
