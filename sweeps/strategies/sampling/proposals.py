"""Optuna's proposals as configurations of a space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial

from sweeps.study.space import Float, Int, Space, When
from trainables.configurations import Configuration, fitted


def configuration(trial: BaseTrial, space: Space) -> Configuration:
    """The configuration that a trial proposes in a space."""
    values: dict[str, Any] = {}
    for name, dimension in space.items():
        if isinstance(dimension, When):
            if values[dimension.name] not in dimension.among:
                values[name] = dimension.otherwise
                continue
            dimension = dimension.dimension
        values[name] = _suggested(trial, name, dimension)
    return fitted(values)


def distribution(dimension: Sequence[Any] | Float | Int | When) -> BaseDistribution:
    """A dimension as Optuna has it."""
    if isinstance(dimension, When):
        dimension = dimension.dimension
    if isinstance(dimension, Float):
        return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    if isinstance(dimension, Int):
        return IntDistribution(dimension.low, dimension.high, step=dimension.step, log=dimension.log)
    return CategoricalDistribution(list(dimension))


def _suggested(trial: BaseTrial, name: str, dimension: Sequence[Any] | Float | Int) -> Any:
    if isinstance(dimension, Float):
        return trial.suggest_float(name, dimension.low, dimension.high, log=dimension.log)
    if isinstance(dimension, Int):
        return trial.suggest_int(name, dimension.low, dimension.high, step=dimension.step, log=dimension.log)
    return trial.suggest_categorical(name, list(dimension))
