"""The result schema: what a study's stored rows look like, and how they are read.

Shared by `sweeps`, which writes them, and `analysis`, which turns them into figures; it
imports neither, and neither torch nor ray. A study's directory (`result_files.py`) holds

    study.json              the manifest: schema version, study, hyper-parameters, precision
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

import dataclasses
import itertools
import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

import result_folded
from result_files import open_directory
from result_metrics import VERSION_1, MetricInfo, unknown
from result_names import exact
from result_published import Published

SCHEMA_VERSION = 1
MANIFEST = "study.json"

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


class SchemaError(ValueError):
    """A directory is not the store it was taken for; the message says the rule and the remedy."""


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

_COLUMNS = frozenset(column.name for column in (*_BEFORE, *_OUTCOME, *_PROVENANCE, *_LAST))

LATER = ("sampler", VERSION, "device_share", "energy_joules", *UTILISATION)
"""Columns that rows written before they existed lack: read as null, but for VERSION, which is then 1."""

READERS = 16
"""Files that are read at once: an object store answers many in the time of one."""

THREADED = 1 << 20
"""Bytes from which on one file is decoded by several threads."""

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
    others = {*_COLUMNS, "curve", *hyper_parameters}
    taken = sorted({name for name in names if name in others or names.count(name) > 1})
    if taken:
        raise ValueError(
            f"a metric must have a name of its own, got {', '.join(taken)[:200]}, which rows have already; rename it"
        )


def check_smallest_differences(
    declared: Mapping[str, float], metrics: Sequence[MetricInfo] = VERSION_1
) -> None:
    """Raises ValueError where a smallest difference of interest is of no metric, or is no difference of it."""
    known = {metric.name: metric for metric in metrics}
    for metric, value in declared.items():
        if metric not in known:
            raise ValueError(unknown("the metric of a smallest difference", metric, known))
        least = 1.0 if known[metric].log else 0.0
        if not least < value < math.inf:
            what = "a factor > 1" if known[metric].log else "> 0"
            raise ValueError(f"the smallest difference of {metric} must be {what} and finite, got {value}")


def check_looks(looks: Sequence[int]) -> None:
    """Raises ValueError where looks at a study are not at ascending positive whole numbers of units."""
    if any(type(units) is not int for units in looks) or any(
        a >= b for a, b in itertools.pairwise((0, *looks))
    ):
        raise ValueError(f"looks must be ascending whole numbers > 0, got {', '.join(map(str, looks))[:200]}")


def check_default(declared: Mapping[str, Any], hyper_parameters: Collection[str]) -> None:
    """Raises ValueError where a default is of what is no hyper-parameter."""
    unknown = [str(name) for name in declared if name not in hyper_parameters]
    if unknown:
        raise ValueError(
            f"a default must be of hyper-parameters ({', '.join(hyper_parameters)}), got {', '.join(unknown)[:200]}"
        )


class Bound(NamedTuple):
    """One condition on a run's final metrics.

    Attributes:
        metric: its column.
        side: AT_LEAST or AT_MOST.
        value: the bound, which itself is met.
    """

    metric: str
    side: str
    value: float


AT_LEAST, AT_MOST = "at least", "at most"
Target = tuple[Bound, ...]
"""Conditions that one run is to meet together."""


@dataclass(frozen=True)
class Manifest:
    """What a study's directory says about itself.

    Attributes:
        study: the study's name.
        hyper_parameters: name -> 'int' | 'float' | 'str' | 'bool', in reading order.
        question: the research question, for the report.
        precision: of the networks' products, the same for all its runs; float32 where nothing is said.
        searched: whether a sampler chose the configurations, so that they are no sample of the space.
        shape: of a generated point: (2,) in the plane, (8, 8) of an image.
        ink: whether grey images are drawn as ink on paper, 1 black, as all were before manifests said it; else as light, 1 white.
        coordinates: their names, where they have any: the parameters of a Bayesian model.
        targets: what the study asks of a run; the report says which share of the configurations meets each.
        limits: bounds that a run keeps, or else it has failed; the report says how many fail by each. Empty: the study calls nothing a failure.
        best: metric -> its best possible value on the study's data, where that is known.
        smallest_differences: metric -> its smallest difference of interest, in its own units, a factor of those in RATIOS;
            of a metric that is left out the report has a default.
        absent: hyper-parameter -> its value in rows that were written before the study had it.
        looks: units at which the study is judged while it trains, ascending, the last being all of them; empty: at its end alone.
        labels: algorithm -> what reports call it.
        baselines: algorithm -> the algorithms that its paper compares it with, the most important first.
        own: algorithm -> what it declares outside of configurations, and its default: `lam`, which has none, where it reads λ, and
            hyper-parameters of its own; of one that is left out, λ alone.
        made: when the directory was made, in nanoseconds since 1970, in words; '' where the manifest's own time says so, since it was not changed.
        default: hyper-parameter -> the value that tuning starts from, of one configuration; empty where the study has none.
        metrics: of its runs, in reading order; those of VERSION_1 where nothing is said.
        data: of the data set, as the study names it; '' where nothing is said.
        losses: training losses that stand beside the metrics in the learning curves.
        headline: names of the metrics that the study is about, of which the report has every figure.
        modes: means of the equally likely Gaussians that the data were drawn from, where they were.
        mode_std: standard deviation of each of them.
        sections: import paths, module:Class, of sections that the report has beside those that are found.
        published: numbers that the study reproduces; None of a study from before manifests had them.
        colours: algorithm -> its colour in reports and charts; empty of a study from before manifests had them (`result_colours`).
        descriptions: hyper-parameter -> what it is, in words, as its declaration has it.
        levels: hyper-parameter -> its levels, in words, or its range as one word.
        pictures: kinds of pictures that runs of images can have.
    """

    study: str
    hyper_parameters: dict[str, str]
    question: str = ""
    precision: str = "float32"
    searched: bool = False
    shape: tuple[int, ...] = (2,)
    ink: bool = True
    coordinates: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    limits: Target = ()
    best: Mapping[str, float] = field(default_factory=dict)
    smallest_differences: Mapping[str, float] = field(default_factory=dict)
    looks: tuple[int, ...] = ()
    absent: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    baselines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    default: Mapping[str, Any] = field(default_factory=dict)
    made: str = ""
    metrics: tuple[MetricInfo, ...] = VERSION_1
    losses: tuple[str, ...] = LOSSES
    headline: tuple[str, ...] = HEADLINE
    data: str = ""
    modes: tuple[tuple[float, ...], ...] = ()
    mode_std: float = 0.0
    sections: tuple[str, ...] = ()
    published: Published | None = None
    colours: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pictures: tuple[str, ...] = PICTURES_OF_IMAGES

    @property
    def runs_schema(self) -> pa.Schema:
        """Schema of its rows."""
        return runs_schema(self.hyper_parameters, self.absent, self.metrics)

    @property
    def curves_schema(self) -> pa.Schema:
        """Schema of its learning curves."""
        return curves_schema(self.metrics, self.losses)

    def to_json(self) -> str:
        metrics = [dataclasses.asdict(metric) for metric in self.metrics]
        published = {} if self.published is None else {"published": dataclasses.asdict(self.published)}
        fields = {**self.__dict__, "metrics": metrics, **published}
        return json.dumps({"schema_version": SCHEMA_VERSION, **fields}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str) -> Manifest:
        try:
            fields = json.loads(text)
            version = fields.pop("schema_version")
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise SchemaError(f"{where}/{MANIFEST} must be a study's manifest, but it cannot be read ({error}); "
                              "restore it or choose another --results") from error  # fmt: skip
        if version != SCHEMA_VERSION:
            raise SchemaError(f"{where} has schema version {version}, this version reads {SCHEMA_VERSION}; "
                              "choose another --results or the version that wrote it")  # fmt: skip
        unknown = sorted(set(fields) - {known.name for known in dataclasses.fields(cls)})
        if unknown:
            raise SchemaError(f"{where}/{MANIFEST} must have the keys that this version knows, got {', '.join(unknown)[:200]} too; "
                              "use the version that wrote it, or choose another --results")  # fmt: skip
        try:
            tuples = {
                name: tuple(fields[name])
                for name in ("shape", "coordinates", "looks", "losses", "headline", "sections", "pictures")
                if name in fields
            }
            metrics = (
                tuple(MetricInfo(**one) for one in fields["metrics"]) if "metrics" in fields else VERSION_1
            )
            check_columns(metrics, tuples.get("losses", LOSSES), ())
            targets = tuple(_target(bounds, metrics) for bounds in fields.get("targets", ()))
            limits = _target(fields["limits"], metrics) if fields.get("limits") else ()
            best = {str(metric): float(value) for metric, value in dict(fields.get("best", {})).items()}
            differences = {
                metric: float(value) for metric, value in dict(fields.get("smallest_differences", {})).items()
            }
            check_smallest_differences(differences, metrics)
            default = dict(fields.get("default", {}))
            check_default(default, fields["hyper_parameters"])
            check_looks(tuples.get("looks", ()))
            labels = {name: str(label) for name, label in dict(fields.get("labels", {})).items()}
            baselines = {name: _names(others) for name, others in dict(fields.get("baselines", {})).items()}
            own = {name: _defaults(values) for name, values in dict(fields.get("own", {})).items()}
            colours = {name: str(colour) for name, colour in dict(fields.get("colours", {})).items()}
            descriptions = {name: str(words) for name, words in dict(fields.get("descriptions", {})).items()}
            levels = {name: tuple(map(str, words)) for name, words in dict(fields.get("levels", {})).items()}
            modes = tuple(tuple(map(float, mean)) for mean in fields.get("modes", ()))
            published = fields.get("published")
            published = None if published is None else Published.from_json(published)
            read = {**tuples, "modes": modes, "metrics": metrics, "targets": targets, "limits": limits, "best": best,
                    "smallest_differences": differences, "labels": labels, "baselines": baselines, "own": own, "default": default, "published": published,
                    "colours": colours, "descriptions": descriptions, "levels": levels}  # fmt: skip
            manifest = cls(**{**fields, **read})
            kinds = {manifest.hyper_parameters[name] for name in manifest.hyper_parameters} - set(
                HYPER_PARAMETER_TYPES
            )
        except (TypeError, KeyError, ValueError) as error:
            raise SchemaError(f"{where}/{MANIFEST} must be a study's manifest, but is another ({error}); restore it or choose "
                              "another --results") from error  # fmt: skip
        columns = _COLUMNS | {metric.name for metric in manifest.metrics}
        taken = [name for name in manifest.hyper_parameters if name in columns]
        if taken:
            raise SchemaError(f"{where}/{MANIFEST} must have hyper-parameters with names of their own, got {', '.join(taken)[:200]}, "
                              "which every row has already; rename them")  # fmt: skip
        if kinds:
            raise SchemaError(f"{where}/{MANIFEST} must have hyper-parameters of {', '.join(HYPER_PARAMETER_TYPES)}, got "
                              f"{', '.join(map(str, kinds))[:200]}; use the version that wrote it")  # fmt: skip
        return manifest


def _names(algorithms: Sequence[str]) -> tuple[str, ...]:
    """Names as JSON has them. Raises TypeError where they are no list: a text would be read letter by letter."""
    if not isinstance(algorithms, list):
        raise TypeError(f"baselines must be lists of algorithms, got {algorithms!r}")
    return tuple(map(str, algorithms))


def _defaults(values: Mapping[str, Any]) -> dict[str, float | None]:
    """Hyper-parameter -> default as JSON has them. Raises TypeError or ValueError where they are none."""
    if not isinstance(values, dict):
        raise TypeError(f"own must have hyper-parameters with their defaults, got {values!r}")
    return {name: None if value is None else float(value) for name, value in values.items()}


def _target(bounds: Sequence[Sequence[Any]], metrics: Sequence[MetricInfo]) -> Target:
    """A target as JSON has it. Raises TypeError or ValueError where it is none."""
    target = tuple(Bound(str(metric), str(side), float(value)) for metric, side, value in bounds)
    check_target(target, metrics)
    return target


def check_target(target: Target, metrics: Sequence[MetricInfo] = VERSION_1) -> None:
    """Raises ValueError where a target has no bound, or one that is not finite, of neither side or of no metric."""
    if not target:
        raise ValueError("a target must have one bound at least, got none")
    for bound in target:
        if bound.side not in (AT_LEAST, AT_MOST):
            raise ValueError(
                f"a bound must be {AT_LEAST!r} or {AT_MOST!r} a value, got {bound.side!r} for {bound.metric}"
            )
        if not math.isfinite(bound.value):
            raise ValueError(f"a bound must be finite, got {bound.value} for {bound.metric}")
        if bound.metric not in (known := [metric.name for metric in metrics]):
            raise ValueError(unknown("the metric of a bound", bound.metric, known))


def read_manifest(uri: str) -> Manifest:
    """The manifest of a study's directory. Raises SchemaError where there is none."""
    filesystem, path = open_directory(uri)
    if filesystem.get_file_info(f"{path}/{MANIFEST}").type != pafs.FileType.File:
        raise SchemaError(f"{uri} must be a study's results directory, but it has no {MANIFEST}; "
                          "give the directory that a study printed, such as results/toy_robustness")  # fmt: skip
    with filesystem.open_input_stream(f"{path}/{MANIFEST}") as stream:
        return Manifest.from_json(stream.read().decode(), uri)


def read_runs(uri: str, columns: Sequence[str] | None = None) -> pa.Table:
    """All runs of a study, exactly one row per run key (`one_row_per_run`), sorted by run key.

    Args:
        uri: the study's directory.
        columns: to read, in this order; None for all.

    Raises:
        SchemaError: there is no study, or a file of it is damaged: none is passed over.
    """
    schema = read_manifest(uri).runs_schema
    if columns is None:
        return one_row_per_run(read_table(uri, "runs", schema))
    needed = dict.fromkeys((*columns, "run_key", "outcome", "iterations", "finished_at"))
    return one_row_per_run(read_table(uri, "runs", schema, columns=list(needed))).select(list(columns))


def read_curves(uri: str) -> pa.Table:
    """Learning curves, one row per (run key, iteration), sorted by both."""
    return one_row_per_point(read_table(uri, "curves", read_manifest(uri).curves_schema))


def read_samples(uri: str, run_keys: Collection[str] | None = None) -> pa.Table:
    """Generated points, one row per run key; of some runs alone where their keys are given."""
    return one_row_per_sample(read_table(uri, "samples", SAMPLES, run_keys))


def one_row_per_run(table: pa.Table) -> pa.Table:
    """The row that counts for each run key: the one that went furthest, then the earliest finished; sorted by run key.

    FAILED went nowhere; COMPLETED and DIVERGED went further than STOPPED at any iteration.
    """
    unfinished = pa.array([Outcome.STOPPED.value, Outcome.FAILED.value])
    rank = pc.index_in(table["outcome"], value_set=unfinished).fill_null(-1)
    further = [("iterations", "descending"), ("finished_at", "ascending")]
    ranked = table.select(["run_key", *(name for name, _ in further)]).append_column("_rank", rank)
    return table.take(_first_of(ranked, ["run_key"], [("_rank", "ascending"), *further]))


def one_row_per_point(curves: pa.Table) -> pa.Table:
    """Learning curves with one row per (run key, iteration), sorted by both."""
    return curves.take(_first_of(curves, ["run_key", "iteration"]))


def one_row_per_sample(samples: pa.Table) -> pa.Table:
    """Points with one row per run key, sorted by it."""
    return samples.take(_first_of(samples, ["run_key"]))


def _first_of(table: pa.Table, keys: list[str], then: Sequence[tuple[str, str]] = ()) -> pa.Array:
    """Places of the first row for each of the keys, sorted by them.

    Args:
        table: rows.
        keys: columns that are equal in rows of which one counts.
        then: columns, and their directions, by which that one is the first.
    """
    by = [(key, "ascending") for key in keys]
    places = pc.sort_indices(table, by)
    first = _starts(table, keys, places)
    if then and not pc.all(first).as_py():  # rarely: the other columns are sorted by where they are needed
        places = pc.sort_indices(table, [*by, *then])
        first = _starts(table, keys, places)
    return places.filter(first)


def _starts(table: pa.Table, keys: list[str], places: pa.Array) -> pa.Array:
    """Whether the keys at each of these places differ from those before it, [places]."""
    changed = pa.array([False] * max(len(places) - 1, 0), pa.bool_())
    for key in keys:
        column = pa.chunked_array(table[key].take(places)).combine_chunks()
        changed = pc.or_(changed, pc.not_equal(column[1:], column[:-1]))
    return pa.concat_arrays([pa.array([True] * min(len(places), 1), pa.bool_()), changed])


def read_table(
    uri: str,
    name: str,
    schema: pa.Schema,
    run_keys: Collection[str] | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """All rows in the files of a study's folder that count (`result_folded`), in no order.

    Args:
        uri: the study's directory.
        name: of the folder.
        schema: of its tables.
        run_keys: the runs whose rows are read; None for all.
        columns: to read, in this order; None for all.

    Raises:
        SchemaError: a file is damaged: none is passed over.
    """
    schema = schema if columns is None else pa.schema([schema.field(column) for column in columns])
    filters = None if run_keys is None else pc.field("run_key").isin(pa.array(sorted(run_keys), pa.string()))
    filesystem, path = open_directory(uri)

    def read(info: pafs.FileInfo) -> pa.Table:
        try:
            return read_file(filesystem, info, schema, columns is not None, filters)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno:  # the storage, not the file
                raise
            raise damaged(info.path, name, error) from error

    def every(files: list[pafs.FileInfo]) -> list[pa.Table]:
        return list(reading.map(read, files))

    with ThreadPoolExecutor(READERS) as reading:
        try:
            tables = result_folded.read_steadily(filesystem, f"{path}/{name}", every)
        except pa.ArrowException as error:
            raise damaged(f"{path}/{name}/{result_folded.PREFIX}*", name, error) from error
    return pa.concat_tables(tables).combine_chunks() if tables else schema.empty_table()


def read_file(
    filesystem: pafs.FileSystem,
    info: pafs.FileInfo,
    schema: pa.Schema,
    part: bool = False,
    filters: pc.Expression | None = None,
) -> pa.Table:
    """Rows of one file, `conformed`.

    Args:
        filesystem: its storage.
        info: its path and size.
        schema: of its table.
        part: whether the file may have other columns, which are not read.
        filters: of rows; None for all.

    Raises:
        pyarrow.ArrowException, OSError: it is damaged, or gone.
    """
    whole, threads = filters is None and not part, info.size > THREADED
    source = result_folded.opened(filesystem, info, whole)
    with pq.ParquetFile(source, pre_buffer=part) as file:
        columns = [name for name in file.schema_arrow.names if name in schema.names] if part else None
        if filters is None:
            return conformed(file.read(columns, use_threads=threads), schema)
    source = result_folded.opened(filesystem, info)
    return conformed(pq.read_table(source, columns=columns, filters=filters, use_threads=threads), schema)


def damaged(path: str, name: str, error: Exception) -> SchemaError:
    reason = str(error).strip().splitlines()[0]
    return SchemaError(f"{path} must be a table of {name}, but it is damaged ({reason}); restore it, or remove it and "
                       "give the study's command again, which trains the runs that have no row")  # fmt: skip


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
        elif column.name in LATER or not (metadata or column.name in _COLUMNS):  # a metric, or a loss
            table = table.append_column(column.name, pa.nulls(table.num_rows, column.type))
    if set(table.column_names) == set(schema.names):
        table = table.select(schema.names)  # a column may have been added before those that it has
    return table


def run_name(row: Mapping[str, Any], has_lambda: bool = True) -> str:
    """Readable name of a run, the same in MLflow, reports and logs: `svae_r λ=0.1 #0417 seed 0`, `gan #0417 seed 0` without λ."""
    at = f" λ={exact(row['lam'])}" if has_lambda else ""
    return f"{row['algorithm']}{at} #{row['configuration']:04d} seed {row['seed']}"
