"""Manifest of a study: a description of its directory, hyper-parameters, metrics and data, stored beside the rows."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.fs as pafs

from result_files import open_directory
from result_metrics import VERSION_1, MetricInfo, unknown
from result_published import Published
from result_schema import (
    COLUMNS,
    HEADLINE,
    HYPER_PARAMETER_TYPES,
    LOSSES,
    PICTURES_OF_IMAGES,
    check_columns,
    curves_schema,
    runs_schema,
)

SCHEMA_VERSION = 1

MANIFEST = "study.json"


class SchemaError(ValueError):
    """A directory is not the store it was taken for; the message says the rule and the remedy."""


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
    """Description of a study that its directory holds.

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
        columns = COLUMNS | {metric.name for metric in manifest.metrics}
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
