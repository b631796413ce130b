"""Result schema: the files of a study's directory, and the columns of its rows and curves.

Shared by `sweeps`, which writes them, and `analysis`, which turns them into figures; it
imports neither, and neither torch nor ray. A study's directory (`result_files.py`), which `result_reading` reads, holds

    study.json              the manifest (`result_manifest.py`): schema version, study, hyper-parameters, precision
    runs/*.parquet          one row per run, or one per rung of it: the only truth about what has been trained
    curves/*.parquet        one row per run and evaluation: the learning curves
    samples/*.parquet       one row per run: 256 points drawn from its trained decoder; and one under REFERENCE, of
                            what they should be like, where the data set knows it; none of large images
    pictures/*.parquet      of images, a row per run and kind of picture (`result_pictures.py`): uint8 samples,
                            reconstructions and interpolations
    models/*/*.safetensors  trained models that are kept (`trainables.saved_models`): of `best` runs, of `all`
    states/*.pt             what cohorts stopped at a rung, or cut off, continue from, while that is open
    report/                 what `analysis.report` makes of the rows
    digests/                what report and mirror were made of, so that neither is made again for nothing
    progress.json           how far its driver is that trains (`result_progress.py`), no truth
    prices.json             a price list, if it was given one (`result_prices.py`)

A run is finished when its row is in `runs`; its curve, samples and pictures are written before it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import pyarrow as pa

from result_metrics import VERSION_1, MetricInfo
from result_names import exact

METRICS = ("mse_x", "mse_z", "inception_score", "modes_covered", "on_mode_share")
"""The first metrics there were, whose columns stand before the others. A metric is null unless the outcome is COMPLETED or
STOPPED, and where a system has nothing to measure, such as the reconstruction of one without an encoder."""

FURTHER_METRICS = tuple(metric.name for metric in VERSION_1 if metric.name not in METRICS)
"""Other metrics of manifests that name none, which only some systems or data have. Of densities, in nats: the evidence lower bound and the log-likelihood
per test point, the mean −log p(x|z~), and KL(q(z) ‖ p(z)). Of labels: the share of points generated for a label that
have it, or of test points given their own. Of a model whose posterior is known: KL(q(z|x) ‖ p(z|x)) in nats. Of grey
levels: the bits per dimension that the bound amounts to, and the root mean squared error of reconstructions, in levels.
Last, the Monte-Carlo error of the bound: the standard error of its mean over test points, each with one code."""

RATIOS = tuple(metric.name for metric in VERSION_1 if metric.log)
"""Metrics of VERSION_1 that are compared as ratios: their smallest difference of interest is a factor above 1."""

GRID = "grid"
"""In place of a sampler's name: the runs of a full factorial, or of a balanced subset of it."""

VERSION = "objective_version"
"""Column of the version of a run's objective. A changed loss is another system: its runs have keys of their own, and rows of
two versions stand beside each other, never in one statistic. Rows written before this column are of version 1."""

REFERENCE = "reference"
"""In place of a run key: the points that generated ones are compared with."""

LOSSES = ("critic_loss", "autoencoder_loss")
"""Training losses that stand beside the metrics in every study's learning curves: `PLAYER_loss`."""

PICTURES_OF_IMAGES = ("samples", "reconstructions", "interpolations")
"""Kinds of pictures of manifests that name none."""

HEADLINE = ("mse_x", "inception_score")
"""Metrics that a study is about where it declares none."""


class Outcome(StrEnum):
    """How a run ended. Divergence is a result, FAILED is not: failed runs are tried again.

    STOPPED is a result as far as it goes: a row that goes further takes its place.
    """

    COMPLETED = "COMPLETED"
    DIVERGED = "DIVERGED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"


FINISHED = (Outcome.COMPLETED, Outcome.DIVERGED)
"""Outcomes that need no training."""

HYPER_PARAMETER_TYPES = {"int": pa.int64(), "float": pa.float64(), "str": pa.string(), "bool": pa.bool_()}

_BEFORE = [
    pa.field("run_key", pa.string(), nullable=False),
    pa.field("study", pa.string(), nullable=False),
    pa.field("algorithm", pa.string(), nullable=False),
    pa.field("lam", pa.float64(), nullable=False),
    pa.field("seed", pa.int64(), nullable=False),
    pa.field("configuration", pa.int64(), nullable=False),  # number in the declared space, for reading only
    pa.field(
        "configuration_key", pa.string(), nullable=False
    ),  # hash of the hyper-parameters: pairs match on it
    pa.field("budget", pa.int64(), nullable=False),  # iterations declared
    pa.field("data_version", pa.string(), nullable=False),
]

_OUTCOME = [
    pa.field("outcome", pa.string(), nullable=False),
    pa.field("diverged_at", pa.int64()),  # iteration, 1-based
    pa.field("iterations", pa.int64(), nullable=False),  # iterations trained
]

_PROVENANCE = [
    pa.field("error", pa.string()),  # of a FAILED run
    pa.field("train_seconds", pa.float64(), nullable=False),  # the run's share of its cohort's training time
    pa.field("device", pa.string(), nullable=False),
    pa.field("cohort_key", pa.string(), nullable=False),
    pa.field("cohort_size", pa.int64(), nullable=False),
    pa.field("git_commit", pa.string(), nullable=False),
    pa.field("versions", pa.string(), nullable=False),  # JSON: package -> version
    pa.field("started_at", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("finished_at", pa.timestamp("us", tz="UTC"), nullable=False),
]

_LAST = [
    pa.field(
        "sampler", pa.string()
    ),  # GRID, or what proposed the run when it was trained, for what and from which seed
    pa.field(VERSION, pa.int64()),
    pa.field(
        "device_share", pa.float64()
    ),  # of its device that its cohort had: 1 of a CPU core, less of a GPU
    pa.field(
        "energy_joules", pa.float64()
    ),  # at its cohort's mean power; null where the machine does not tell
    # Means while its cohort trained; of the machine and, where its device is a GPU, of that; null where it does not tell
    pa.field("cpu_utilization_percentage", pa.float64()),
    pa.field("system_memory_usage_megabytes", pa.float64()),
    pa.field("gpu_utilization_percentage", pa.float64()),
    pa.field("gpu_memory_usage_megabytes", pa.float64()),
]

UTILISATION = tuple(column.name for column in _LAST[4:])
"""Columns of how much of the machine was used while a run's cohort trained, named as MLflow names its system metrics."""

_DEFAULT = "default"
"""Key, in a column's metadata, of its value in rows that were written before it was there."""

_NEEDED = "needed"
"""Key, in the metadata of a hyper-parameter's column, that rows must have it."""

COLUMNS = frozenset(column.name for column in (*_BEFORE, *_OUTCOME, *_PROVENANCE, *_LAST))

LATER = ("sampler", VERSION, "device_share", "energy_joules", *UTILISATION)
"""Columns that rows written before they existed lack: read as null, but for VERSION, which is then 1."""

SAMPLES = pa.schema(
    [
        pa.field("run_key", pa.string(), nullable=False),
        pa.field("points", pa.list_(pa.float32()), nullable=False),  # row-major [n, *shape of a point]
    ]
)


def runs_schema(
    hyper_parameters: Mapping[str, str],
    defaults: Mapping[str, Any] | None = None,
    metrics: Sequence[MetricInfo] = VERSION_1,
) -> pa.Schema:
    """Schema of `runs`.

    Args:
        hyper_parameters: name -> 'int' | 'float' | 'str' | 'bool'.
        defaults: name -> value of those that older rows may lack (`conformed`); None where they have no such thing.
        metrics: of the manifest, each a column.
    """
    columns = []
    for name, kind in hyper_parameters.items():
        older = defaults is not None and name in defaults
        metadata = {_DEFAULT: json.dumps(defaults[name])} if defaults is not None and older else {_NEEDED: ""}
        columns.append(
            pa.field(name, HYPER_PARAMETER_TYPES[kind], metadata=metadata)
        )  # null where a run has it not
    first, others = _in_order(metrics)
    return pa.schema(
        [*_BEFORE, *columns, *_OUTCOME, *_numbers(first), *_PROVENANCE, *_numbers(others), *_LAST]
    )


def curves_schema(metrics: Sequence[MetricInfo] = VERSION_1, losses: Sequence[str] = LOSSES) -> pa.Schema:
    """Schema of `curves`: of a manifest's metrics, and its training losses."""
    first, others = _in_order(metrics)
    key = [
        pa.field("run_key", pa.string(), nullable=False),
        pa.field("iteration", pa.int64(), nullable=False),
    ]
    return pa.schema([*key, *_numbers((*first, *losses, *others))])


def _in_order(metrics: Sequence[MetricInfo]) -> tuple[list[str], list[str]]:
    """Names of the METRICS among them, and of the others."""
    names = [metric.name for metric in metrics]
    return [name for name in names if name in METRICS], [name for name in names if name not in METRICS]


def _numbers(names: Iterable[str]) -> list[pa.Field]:
    return [pa.field(name, pa.float64()) for name in names]


CURVES = curves_schema()
"""Schema of `curves` of studies whose manifests name neither metrics nor losses."""


def check_columns(
    metrics: Sequence[MetricInfo], losses: Sequence[str], hyper_parameters: Iterable[str]
) -> None:
    """Raises ValueError where two columns of rows or curves would have one name."""
    names = [*(metric.name for metric in metrics), *losses]
    others = {*COLUMNS, "curve", *hyper_parameters}
    taken = sorted({name for name in names if name in others or names.count(name) > 1})
    if taken:
        raise ValueError(
            f"a metric must have a name of its own, got {', '.join(taken)[:200]}, which rows have already; rename it"
        )


def conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table as a schema has it, with the columns of metrics, losses and LATER that it lacks, and those of hyper-parameters that
    have a default.

    Raises:
        pyarrow.ArrowException: it is another.
    """
    if table.schema.equals(schema):
        table = pa.Table.from_arrays(table.columns, schema=schema)
    else:
        table = _completed(table, schema).cast(schema)
    if VERSION in schema.names and table[VERSION].null_count:
        place = schema.get_field_index(VERSION)
        table = table.set_column(place, schema.field(place), table[VERSION].fill_null(1))
    return table


def _completed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table with the columns of a schema that it may lack, in that order where it has no others."""
    there = set(table.column_names)
    for column in (column for column in schema if column.name not in there):
        metadata = column.metadata or {}
        if _DEFAULT.encode() in metadata:
            value = pa.scalar(json.loads(metadata[_DEFAULT.encode()]), column.type)
            table = table.append_column(column.name, pa.repeat(value, table.num_rows))
        elif column.name in LATER or not (metadata or column.name in COLUMNS):  # a metric, or a loss
            table = table.append_column(column.name, pa.nulls(table.num_rows, column.type))
    if set(table.column_names) == set(schema.names):
        table = table.select(schema.names)  # a column may have been added before those that it has
    return table


def run_name(row: Mapping[str, Any], has_lambda: bool = True) -> str:
    """Readable name of a run, the same in MLflow, reports and logs: `svae_r λ=0.1 #0417 seed 0`, `gan #0417 seed 0` without λ."""
    at = f" λ={exact(row['lam'])}" if has_lambda else ""
    return f"{row['algorithm']}{at} #{row['configuration']:04d} seed {row['seed']}"
