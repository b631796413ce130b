"""A study is a declaration: the set of its runs is a pure function of it."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from result_schema import Target, check_default, check_smallest_differences, check_target
from sweeps.study.grid import Grid
from sweeps.study.space import Float, Int, Space, When, check, is_grid, points
from trainables import objectives
from trainables.parameters import own_values
from trainables.runs import HYPER_PARAMETERS, Configuration, Run
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
class Asked:
    """Verdicts that answer a study's question: `--until decided` trains until none of them is undecided.

    Attributes:
        metrics: of these; none for all that the report judges.
        lambdas: at these λ; none for all.
    """

    metrics: tuple[str, ...] = ()
    lambdas: tuple[float, ...] = ()


@dataclass(frozen=True)
class Study:
    """A research question and the runs that answer it.

    Attributes:
        name: names its results directory and MLflow experiment; letters, digits, `_` and `-`.
        question: what it is run to find out.
        space: hyper-parameter -> its levels, or what else `sweeps.study.space` has; the configurations are the full factorial. One that
            algorithms declare as their own has levels alone, and each of these algorithms is compared at every level.
        algorithms: objectives compared by default, or ALL.
        presets: name -> Preset.
        data: name of the data set (`trainables.datasets.find`).
        search: how configurations are chosen by default: grid, or a sampler's name (`sweeps.strategies.optuna_search`).
        targets: each a tuple of `result_schema.Bound` that one run is to meet together; the report says how many do.
        smallest_differences: metric -> the smallest difference of interest, in its own units, a factor of an MSE: what
            differs by less is called equivalent. The report has a default for a metric that is left out.
        asked: the verdicts that answer the question.
        default: hyper-parameter -> the value that is used where nobody tunes, for all of the space or for none: what the
            report says tuning gains is from there.
        sections: import paths, module:Class, of sections of your own that the report has beside those that it finds.

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
    asked: Asked = Asked()
    default: Mapping[str, Any] = field(default_factory=dict)
    sections: tuple[str, ...] = ()

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
        check_default(self.default, self.shared)
        if self.default and is_grid(self.shared) and dict(self.default) not in points(self.shared):
            raise ValueError(
                f"a default must be one of the {len(points(self.shared)):,} configurations, got {dict(self.default)}; give a level of every dimension"
            )

    def configurations(self) -> list[Configuration]:
        """The full factorial in declared order; a configuration's number is its place in it.

        Raises:
            ValueError: a dimension is no list of levels.
        """
        return [Configuration(**point) for point in points(self.shared)]

    @property
    def shared(self) -> Space:
        """The hyper-parameters of the space that every algorithm has, of which configurations are made."""
        return {name: dimension for name, dimension in self.space.items() if name in HYPER_PARAMETERS}

    def varied(self, values: Mapping[str, Sequence[str]]) -> Study:
        """The study with these levels, given as words, in place of its own; without its default, which may be none of them.

        Raises:
            ValueError: a level is no number of its hyper-parameter's type.
        """
        levels = {name: tuple(_level(name, word) for word in words) for name, words in values.items()}
        return replace(self, space={**self.space, **levels}, default={})

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
        levels = [dict.fromkeys(getattr(c, name) for _, c in numbered) for name in self.shared]
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
        """Names of the objectives to compare: these, else the study's own; for ALL every one that its data allow. Of each that has
        hyper-parameters of its own in the space, one for every combination of their levels.

        Raises:
            ValueError: an algorithm or a hyper-parameter of the space is unknown, or has no such level.
        """
        chosen = dict.fromkeys(algorithms or self.algorithms or objectives.trainable(self.data))
        own: dict[str, Sequence[Any]] = {}
        for name, dimension in self.space.items():
            if name in HYPER_PARAMETERS:
                continue
            if isinstance(dimension, (Float, Int, When)):
                raise ValueError(
                    f"{name}, which algorithms have of their own, must have levels, got {dimension}"
                )
            if not any(name in objectives.find(algorithm).own for algorithm in chosen):
                raise ValueError(_undeclared(name, list(chosen)))
            own[name] = dimension
        found: dict[str, None] = {}
        for algorithm in chosen:
            objective = objectives.find(algorithm)
            names = [n for n in own if n in objective.own and n not in own_values(algorithm)]
            for levels in itertools.product(*(own[name] for name in names)):
                found[objective.changed(dict(zip(names, levels, strict=True))).name] = None
        return tuple(found)

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


def _level(name: str, word: str) -> int | float | str:
    """A level as it was typed; of a hyper-parameter that algorithms have of their own it stays a word."""
    kind = HYPER_PARAMETERS.get(name)
    try:
        return {"int": int, "float": float}[kind](word) if kind else word
    except ValueError:
        raise ValueError(f"{name} must be {kind}, got {word!r}") from None


def _undeclared(name: str, algorithms: Sequence[str]) -> str:
    """Why a hyper-parameter can be none of a space: who has which, and the one most like it."""
    own = {n: list(objective.own) for n, objective in objectives.available().items() if objective.own}
    holders = [algorithm for algorithm, names in own.items() if name in names]
    if holders:
        return f"{name} must be of an algorithm that is compared, got it of {', '.join(holders)} and {', '.join(algorithms)} compared"
    known = dict.fromkeys((*HYPER_PARAMETERS, *itertools.chain(*own.values())))
    near = difflib.get_close_matches(name, known, n=1)
    who = "; ".join(f"{algorithm}: {', '.join(names)}" for algorithm, names in own.items())
    return (
        f"a hyper-parameter must be one of {', '.join(HYPER_PARAMETERS)}, or an algorithm's own ({who}), got {name!r}"
        + (f"; did you mean {near[0]}?" if near else "")
    )
