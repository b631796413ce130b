"""A study is a declaration: the set of its runs is a pure function of it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from result_schema import Target, check_default, check_smallest_differences, check_target
from sweeps.grid import Grid
from sweeps.space import Space, check, is_grid, points
from trainables import objectives
from trainables.runs import Configuration, Run
from trainables.runs import check as check_run

ALL = ()
"""In place of a study's algorithms: all that can be trained on its data."""

LONGEST_NAME = 100
"""Characters of a study's name: it is a folder's, and further words are added to it."""


@dataclass(frozen=True)
class Preset:
    """How much of a study to run.

    Attributes:
        iterations: training iterations per run.
        lambdas: values of λ.
        seeds: number of seeds, 0 … seeds − 1.
        limit: number of configurations, a balanced subset; None for all.

    Raises:
        ValueError: there is no λ or no seed, or a value is out of bounds.
    """

    iterations: int
    lambdas: tuple[float, ...]
    seeds: int = 1
    limit: int | None = None

    def __post_init__(self) -> None:
        if not self.lambdas:
            raise ValueError("lambdas must have at least one value, got none")
        if self.seeds < 1:
            raise ValueError(f"seeds must be >= 1, got {self.seeds}")
        for lam in self.lambdas:
            check_run(lam, self.iterations)


@dataclass(frozen=True)
class Study:
    """A research question and the runs that answer it.

    Attributes:
        name: names its results directory and MLflow experiment; letters, digits, `_` and `-`.
        question: what it is run to find out.
        space: hyper-parameter -> its levels, or what else `sweeps.space` has; the configurations are the full factorial.
        algorithms: objectives compared by default, or ALL.
        presets: name -> Preset.
        data: name of the data set (`trainables.datasets.find`).
        search: how configurations are chosen by default: grid, or a sampler's name (`sweeps.optuna_search`).
        targets: each a tuple of `result_schema.Bound` that one run is to meet together; the report says how many do.
        smallest_differences: metric -> the smallest difference of interest, in its own units, a factor of an MSE: what
            differs by less is called equivalent. The report has a default for a metric that is left out.
        default: hyper-parameter -> the value that is used where nobody tunes, for all of the space or for none: what the
            report says tuning gains is from there.

    Raises:
        ValueError: the name has other characters or more than 100, a dimension depends on a later one, a target or a
            smallest difference is none, or the default is no point of the space.
    """

    name: str
    question: str
    space: Space
    algorithms: tuple[str, ...]
    presets: Mapping[str, Preset] = field(default_factory=dict)
    search: str = "grid"
    data: str = "mixture5"
    targets: tuple[Target, ...] = ()
    smallest_differences: Mapping[str, float] = field(default_factory=dict)
    default: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name or not all(c.isascii() and (c.isalnum() or c in "_-") for c in self.name):
            raise ValueError(
                f"a study's name must be letters, digits, '_' and '-', got {self.name[:LONGEST_NAME]!r}"
            )
        if len(self.name) > LONGEST_NAME:
            raise ValueError(
                f"a study's name must have at most {LONGEST_NAME} characters, got {len(self.name):,}"
            )
        check(self.space)
        for target in self.targets:
            check_target(target)
        check_smallest_differences(self.smallest_differences)
        check_default(self.default, self.space)
        if self.default and is_grid(self.space) and dict(self.default) not in points(self.space):
            raise ValueError(
                f"a default must be one of the {len(points(self.space)):,} configurations, got {dict(self.default)}; give a level of every dimension"
            )

    def configurations(self) -> list[Configuration]:
        """The full factorial in declared order; a configuration's number is its place in it.

        Raises:
            ValueError: a dimension is no list of levels.
        """
        return [Configuration(**point) for point in points(self.space)]

    def subset(self, limit: int | None) -> list[tuple[int, Configuration]]:
        """`limit` numbered configurations: deterministic, balanced in levels, nested in larger limits.

        Greedy: each next one has the levels, then the pairs of levels, that were chosen least so far.

        Raises:
            ValueError: limit < 1 or more than there are.
        """
        numbered = list(enumerate(self.configurations()))
        size = len(numbered)
        if limit is None or limit == size:
            return numbered
        if not 1 <= limit <= size:
            raise ValueError(f"limit must be 1 to {size}, the configurations of {self.name}, got {limit}")
        levels = [dict.fromkeys(getattr(c, name) for _, c in numbered) for name in self.space]
        places = np.array(list(itertools.product(*(range(len(own)) for own in levels))))
        one_hot = np.concatenate(
            [np.eye(places[:, f].max() + 1)[places[:, f]] for f in range(places.shape[1])], 1
        )
        pairs = np.einsum("ni,nj->nij", one_hot, one_hot).reshape(size, -1)
        rarity = np.concatenate([one_hot * one_hot.sum(0) ** -1 * size, pairs / pairs.sum(0).clip(1)], 1)
        counts = np.zeros(rarity.shape[1])
        left = np.ones(size, dtype=bool)
        for _ in range(limit):
            chosen = int(np.where(left, rarity @ counts, np.inf).argmin())
            left[chosen] = False
            counts += rarity[chosen] > 0
        return [pair for pair, remains in zip(numbered, left, strict=True) if not remains]

    def compared(self, algorithms: Sequence[str] | None = None) -> tuple[str, ...]:
        """Names of the objectives to compare: these, else the study's own; for ALL every one that its data allow."""
        return tuple(dict.fromkeys(algorithms or self.algorithms or objectives.trainable(self.data)))

    def declared(
        self, preset: Preset, algorithms: Sequence[str] | None = None, precision: str = "float32"
    ) -> Grid:
        """Every declared run of a preset, made when asked for, in no order that matters.

        Raises:
            ValueError: an algorithm is unknown, nothing is declared, or a value is out of bounds.
        """
        chosen = self.compared(algorithms)
        for name in chosen:
            objectives.check(name, self.data)
        lambdas = tuple(dict.fromkeys(float(value) for value in preset.lambdas))
        configurations = tuple(self.subset(preset.limit))
        return Grid(
            self.name, preset.iterations, configurations, preset.seeds, lambdas, chosen, precision, self.data
        )

    def runs(self, preset: Preset, algorithms: Sequence[str] | None = None) -> list[Run]:
        """The same as a list."""
        return list(self.declared(preset, algorithms))

    def preset(self, name: str, **overrides: Any) -> Preset:
        """A preset with what is not None in `overrides` in place of its own values.

        Raises:
            ValueError: the name is unknown, or a value is out of bounds.
        """
        if name not in self.presets:
            raise ValueError(f"preset must be one of {', '.join(self.presets)}, got {name!r}")
        return replace(self.presets[name], **{k: v for k, v in overrides.items() if v is not None})
