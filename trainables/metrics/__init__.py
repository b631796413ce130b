"""Metrics, one file each: found, not listed. Adding one is adding a file here, or in a repository of one's own (`part_registry`).

A module of this package that defines a `Metric` adds it under its `name`; from then on it is in rows, learning curves,
MLflow and the report, and can be searched for. They are loaded when one is asked for, and torch with them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING

from part_registry import contributed, imported
from result_metrics import VERSION_1, MetricInfo, unknown

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet
    from trainables.metrics.base import Metric

_BUILT_IN = {metric.name: metric for metric in VERSION_1}


@functools.cache
def available() -> dict[str, Metric]:
    """Every metric by name in reading order: those of VERSION_1 in its order, the others after them by name."""
    from trainables.metrics.base import Metric

    found: dict[str, Metric] = contributed(__name__, "metrics", __path__, Metric)
    places = list(_BUILT_IN)
    order = sorted(found, key=lambda name: (places.index(name) if name in places else len(places), name))
    return {name: found[name].checked() for name in order}


def find(name: str) -> Metric:
    """The metric of this name, or of the class at this import path, such as my_lab.distances:SlicedWasserstein.

    Raises:
        ValueError: there is none, naming those there are and the one most like it; or it declares what cannot be.
    """
    if ":" in name:
        return _elsewhere(name)
    if name not in available():
        raise ValueError(f"{unknown('metric', name, available())}; else give an import path, module:Class")
    return available()[name]


@functools.cache
def _elsewhere(name: str) -> Metric:
    from trainables.metrics.base import Metric

    metric: Metric = imported(name, Metric)().checked()
    other = available().get(metric.name)
    if other and type(other) is not type(metric):
        raise ValueError(f"a name must be of one metric, got {metric.name!r} of {name} and of "
                         f"{type(other).__module__}:{type(other).__name__}; rename one of them")  # fmt: skip
    return metric.called(name) if other is None else other


def applicable(data: DataSet, further: Iterable[str] = ()) -> dict[str, Metric]:
    """Metrics that some model of these data can have, by name in reading order; of `further` ones, those at import paths.

    Raises:
        ValueError: a further one is none, needs what these data have not, or two have one name.
    """
    found = {name: metric for name, metric in available().items() if metric.applies_to(data)}
    for path in further:
        metric = find(path)
        if lacking := metric.lacking(data):
            raise ValueError(f"the metric {path} needs data with {lacking}, got {data.name}")
        if type(found.setdefault(metric.name, metric)) is not type(metric):
            raise ValueError(f"a name must be of one metric, got {metric.name!r} of {path} and of {found[metric.name].path}; rename one of them")  # fmt: skip
    return found


def vocabulary(names: Iterable[str], further: Iterable[str] = ()) -> dict[str, MetricInfo]:
    """Metrics that these names may be of, by name; loads torch only where one of them is none of VERSION_1."""
    paths = tuple(further)
    if _BUILT_IN.keys() >= set(names) and not paths:
        return _BUILT_IN
    everyone = {**available(), **{find(path).name: find(path) for path in paths}}
    return {name: metric.info for name, metric in everyone.items()}
