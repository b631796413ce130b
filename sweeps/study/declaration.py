"""A study is a declaration: the set of its runs is a pure function of it."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from result_manifest import Target, check_default, check_smallest_differences, check_target
from result_metrics import VERSION_1, unknown
from result_names import own_values
from result_published import Published
from result_schema import HEADLINE, LOSSES, check_columns
from sweeps.study.grid import Grid
from sweeps.study.space import Float, Int, Space, When, check, is_grid, points
from trainables import configurations, metrics, objectives
from trainables.configurations import Configuration, fitted
from trainables.parameters import Parameter
from trainables.runs import Run
from trainables.runs import check as check_run

ALL = ()
"""In place of a study's algorithms: all that can be trained on its data."""

USUAL_PRESET = "embedded"
"""The preset that is run where none is named, if a study has it; else its first."""

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
        presets: name -> Preset; the one called `embedded`, or else the first, is run where none is named.
        data: name of the data set (`trainables.datasets.find`).
        search: how configurations are chosen by default: grid, or a sampler's name (`sweeps.strategies.optuna_search`).
        targets: each a tuple of `result_manifest.Bound` that one run is to meet together; the report says how many do.
        limits: bounds that a run keeps, or else it has failed: the report counts the failures by each, and a DIVERGED run as one by all.
        smallest_differences: metric -> the smallest difference of interest, in its own units, a factor of an MSE: what
            differs by less is called equivalent. The report has a default for a metric that is left out.
        asked: the verdicts that answer the question.
        default: hyper-parameter -> the value that is used where nobody tunes, for all of the space or for none: what the
            report says tuning gains is from there.
        metrics: import paths of further metrics, module:Class; all that are available and that the data allow are taken anyway.
        headline: names of the metrics that the study is about, of which the report has every figure; those that the data allow.
        sections: import paths, module:Class, of sections of your own that the report has beside those that it finds.
        published: numbers that the study reproduces, beside which the report puts its runs.

    Raises:
        ValueError: the name has other characters or more than 100, a dimension depends on a later one, a target or a
            smallest difference is none, a metric is unknown, or the default is no point of the space.
    """

    name: str
    question: str
    space: Space
    algorithms: tuple[str, ...]
    presets: Mapping[str, Preset] = field(default_factory=dict)
    search: str = "grid"
    data: str = "mixture5"
    targets: tuple[Target, ...] = ()
    limits: Target = ()
    smallest_differences: Mapping[str, float] = field(default_factory=dict)
    asked: Asked = Asked()
    default: Mapping[str, Any] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    headline: tuple[str, ...] = HEADLINE
    sections: tuple[str, ...] = ()
    published: Published = field(default_factory=Published)

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
        # Else modules of metrics are imported, and torch with them: where the study is run, not where it is declared.
        if not self.metrics and {metric.name for metric in VERSION_1} >= set(self._named):
            self.check_metrics()
        check_default(self.default, self.space)
        if self.default and is_grid(self.shared) and dict(self.default) not in points(self.shared):
            raise ValueError(
                f"a default must be one of the {len(points(self.shared)):,} configurations, got {dict(self.default)}; give a level of every dimension"
            )

    def check_metrics(self) -> None:
        """Raises ValueError where a metric that it names is unknown or has another column's name, or a target or a smallest difference
        is none of its metric.
        """
        known = metrics.vocabulary(self._named, self.metrics)
        check_columns(tuple(known.values()), LOSSES, self.space)
        for what, own in (("headline", self.headline), ("asked", self.asked.metrics)):
            for name in own:
                if name not in known:
                    raise ValueError(unknown(f"a metric of {what}", name, known))
        for target in (*self.targets, *filter(None, [self.limits])):
            check_target(target, tuple(known.values()))
        check_smallest_differences(self.smallest_differences, tuple(known.values()))
        self.published.check(known)

    @property
    def _named(self) -> list[str]:
        """Names of metrics that it says something of."""
        return [
            *(bound.metric for target in (*self.targets, self.limits) for bound in target),
            *self.smallest_differences,
            *self.headline,
            *self.asked.metrics,
            *(one.metric for one in self.published.statements if one.metric),
        ]

    def configurations(self) -> list[Configuration]:
        """The full factorial in declared order; a configuration's number is its place in it.

        Of a hyper-parameter that only some of the parts of the space declare, there are levels where these are chosen.

        Raises:
            ValueError: a dimension is no list of levels, or a value is out of bounds.
        """
        return list(dict.fromkeys(fitted(point) for point in points(self.shared)))

    @property
    def shared(self) -> Space:
        """The hyper-parameters of the space that every algorithm has, of which configurations are made."""
        known = configurations.among(self.space)
        return {name: dimension for name, dimension in self.space.items() if name in known}

    @property
    def columns(self) -> dict[str, Parameter]:
        """The hyper-parameters that rows of it have: those that must be given, and those that it varies."""
        known = configurations.among(self.space)
        return {
            name: parameter
            for name, parameter in known.items()
            if not parameter.optional or name in self.space
        }

    def varied(self, values: Mapping[str, Sequence[str]]) -> Study:
        """The study with these levels, given as words, in place of its own; without its default, which may be none of them, and
        without the hyper-parameters of parts that are replaced.

        Raises:
            ValueError: a level is no number of its hyper-parameter's type.
        """
        known = configurations.among({**self.space, **values})
        levels = {
            name: tuple(known[name].check(word) if name in known else word for word in words)
            for name, words in values.items()
        }
        before = configurations.among(self.space)
        kept = {name: own for name, own in self.space.items() if name in known or name not in before}
        return replace(self, space={**kept, **levels}, default={})

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
        values = [[c.values.get(name) for name in self.shared] for _, c in numbered]
        levels = [list(dict.fromkeys(own)) for own in zip(*values, strict=True)]
        places = np.array([[own.index(v) for own, v in zip(levels, one, strict=True)] for one in values])
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

    def comparing(self, algorithms: Sequence[str]) -> Study:
        """The study of these algorithms, without the hyper-parameters of its space that only others of its own have.

        Raises:
            ValueError: an algorithm is unknown.
        """
        known = configurations.among(self.space)
        gone = [
            name
            for name in self.space
            if name not in known
            and any(name in objectives.find(own).own for own in self.compared())
            and not any(name in objectives.find(one).own for one in algorithms)
        ]
        return replace(self, space={n: levels for n, levels in self.space.items() if n not in gone})

    def compared(self, algorithms: Sequence[str] | None = None) -> tuple[str, ...]:
        """Names of the objectives to compare: these, else the study's own; for ALL every one that its data allow. Of each that has
        hyper-parameters of its own in the space, one for every combination of their levels.

        Raises:
            ValueError: an algorithm or a hyper-parameter of the space is unknown, or has no such level.
        """
        chosen = dict.fromkeys(algorithms or self.algorithms or objectives.trainable(self.data))
        own: dict[str, Sequence[Any]] = {}
        known = configurations.among(self.space)
        for name, dimension in self.space.items():
            if name in known:
                continue
            if isinstance(dimension, (Float, Int, When)):
                raise ValueError(
                    f"{name}, which algorithms have of their own, must have levels, got {dimension}"
                )
            # What only others of the study declare is left out where fewer of them are compared.
            if not any(name in objectives.find(algorithm).own for algorithm in (*chosen, *self.algorithms)):
                raise ValueError(_undeclared(name, list(chosen), known))
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
        if not any(objectives.find(name).lam for name in chosen):
            lambdas = (0.0,)
        configurations = tuple(self.subset(preset.limit))
        return Grid(
            self.name, preset.iterations, configurations, preset.seeds, lambdas, chosen, precision, self.data
        )

    def runs(self, preset: Preset, algorithms: Sequence[str] | None = None) -> list[Run]:
        """The same as a list."""
        return list(self.declared(preset, algorithms))

    def preset(self, name: str | None, **overrides: Any) -> Preset:
        """A preset with what is not None in `overrides` in place of its own values; of no name `embedded`, or else the first.

        Raises:
            ValueError: the name is unknown, there are none, or a value is out of bounds.
        """
        if not self.presets:
            raise ValueError(
                f"a study must have presets to run, such as presets={{'smoke': Preset(iterations=60, lambdas=(0.1,))}}, "
                f"got none in {self.name}"
            )
        if name is None:
            name = USUAL_PRESET if USUAL_PRESET in self.presets else next(iter(self.presets))
        if name not in self.presets:
            raise ValueError(f"preset must be one of {', '.join(self.presets)}, got {name!r}")
        return replace(self.presets[name], **{k: v for k, v in overrides.items() if v is not None})


def _undeclared(name: str, algorithms: Sequence[str], shared: Mapping[str, Parameter]) -> str:
    """Why a hyper-parameter can be none of a space: who has which, and the one most like it."""
    own = {n: list(objective.own) for n, objective in objectives.available().items() if objective.own}
    holders = [algorithm for algorithm, names in own.items() if name in names]
    if holders:
        return f"{name} must be of an algorithm that is compared, got it of {', '.join(holders)} and {', '.join(algorithms)} compared; compare one of those, or leave it out"
    known = dict.fromkeys((*shared, *itertools.chain(*own.values())))
    near = difflib.get_close_matches(name, known, n=1)
    who = "; ".join(f"{algorithm}: {', '.join(names)}" for algorithm, names in own.items())
    return (
        f"a hyper-parameter must be one of {', '.join(shared)}, or an algorithm's own ({who}), got {name!r}"
        + (f"; did you mean {near[0]}?" if near else "")
    )
