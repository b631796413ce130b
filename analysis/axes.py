"""Own hyper-parameters as axes: a study turned so that one of them stands where λ does, for all that is drawn and said along λ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from analysis.rows import Rows
from result_names import exact, split_variant

LEAST = 3
"""Values of a hyper-parameter from which a report draws results along it."""


def axes(study: Rows) -> list[str]:
    """Own hyper-parameters of which an algorithm has results at LEAST values, all else equal."""
    declared = (study.manifest.own.get(split_variant(name)[0], {}) for name in study.algorithms)
    names = dict.fromkeys(axis for own in declared for axis in own if axis != "lam")
    return [axis for axis in names if not turned(study, axis).runs.empty]


def turned(study: Rows, axis: str) -> Rows:
    """The rows of the algorithms that have LEAST values >= 0 of a hyper-parameter, or more: its value stands in the place of λ.

    Algorithms are called by what else they differ in, where a study has several λ also by λ: aassvae:lam=0.1.
    """
    places: dict[str, dict[float, pd.DataFrame]] = {}
    for algorithm in study.algorithms:
        default = study.manifest.own.get(split_variant(algorithm)[0], {}).get(axis)
        if default is not None:
            for name, at, group in _groups(study, algorithm, axis, default):
                places.setdefault(name, {})[at] = group.assign(algorithm=name, lam=at)
    kept = [part for own in places.values() if len(own) >= LEAST and min(own) >= 0 for part in own.values()]
    runs = pd.concat(kept, ignore_index=True) if kept else study.runs.iloc[:0]
    return replace(study, runs=runs, manifest=replace(study.manifest, own={}))


def _groups(
    study: Rows, algorithm: str, axis: str, default: float
) -> Iterator[tuple[str, float, pd.DataFrame]]:
    """Name without the hyper-parameter, value of it, and rows, of one algorithm at each λ that it has."""
    plain, words = split_variant(algorithm)
    own = dict(word.split("=", 1) for word in words.split(",")) if words else {}
    at = float(own.pop(axis, default))
    level = algorithm in study.level
    for lam in study.lambdas[:1] if level else study.lambdas:
        several = {} if level or len(study.lambdas) == 1 else {"lam": exact(lam)}
        rest = ",".join(f"{name}={value}" for name, value in {**own, **several}.items())
        if len(group := study.group(algorithm, lam)):
            yield f"{plain}:{rest}" if rest else plain, at, group
