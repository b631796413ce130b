"""Runs that are made when asked for: a study of a million of them takes the memory of its configurations."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import final, overload

from trainables import objectives
from trainables.runs import Configuration, Run, keys_like


class LazyRuns(Sequence[Run], ABC):
    """A sequence of runs that holds none of them."""

    @abstractmethod
    def at(self, place: int) -> Run:
        """The run at a place from 0 to len − 1."""

    def keys(self, start: int = 0, stop: int | None = None) -> Iterator[str]:
        """Keys of the runs from a place on to before another, in their order."""
        return (self.at(place).key for place in range(len(self))[start:stop])

    @overload
    def __getitem__(self, place: int) -> Run: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Run, ...]: ...
    def __getitem__(self, place: int | slice) -> Run | tuple[Run, ...]:
        places = range(len(self))
        if isinstance(place, slice):
            return tuple(self.at(i) for i in places[place])
        return self.at(places[place])


@final
@dataclass(frozen=True)
class Grid(LazyRuns):
    """Every run of configurations × seeds × λ × algorithms, in this order, the algorithm changing fastest.

    Algorithms that have no λ are there once, at λ = 0, whatever the values of λ.

    Attributes:
        study: name of the study that declares it.
        budget: iterations of each run.
        configurations: with their numbers in the study's space.
        seeds: how many; they are 0 … seeds − 1.
        lambdas: values of λ.
        algorithms: names of objectives.
        precision: of the networks' products.
        data: name of the data set.

    Raises:
        ValueError: a value is out of bounds (`Run`).
    """

    study: str
    budget: int
    configurations: tuple[tuple[int, Configuration], ...]
    seeds: int
    lambdas: tuple[float, ...]
    algorithms: tuple[str, ...]
    precision: str = "float32"
    data: str = "mixture5"

    def __post_init__(self) -> None:
        for number, configuration in self.configurations[:1]:  # refuse a bad value here, not at run 999,999
            for lam in self.lambdas:
                self._run(self.algorithms[0], lam, self.seeds - 1, (number, configuration))

    @cached_property
    def trained(self) -> tuple[tuple[float, str], ...]:
        """λ and algorithm of each run of one configuration and seed."""
        return trained(self.algorithms, self.lambdas)

    def __len__(self) -> int:
        return len(self.configurations) * self.seeds * len(self.trained)

    def at(self, place: int) -> Run:
        place, which = divmod(place, len(self.trained))
        place, seed = divmod(place, self.seeds)
        lam, algorithm = self.trained[which]
        return self._run(algorithm, lam, seed, self.configurations[place])

    def keys(self, start: int = 0, stop: int | None = None) -> Iterator[str]:
        return itertools.islice(self._keys(start), None if stop is None else stop - start)

    def _keys(self, start: int) -> Iterator[str]:
        """Keys from a place on, for which one run of each configuration is made."""
        place, first = divmod(start, self.seeds * len(self.trained))
        for numbered in itertools.islice(self.configurations, place, None):
            key = keys_like(self._run(self.trained[0][1], self.trained[0][0], 0, numbered))
            of_one = itertools.product(range(self.seeds), self.trained)
            for seed, (lam, algorithm) in itertools.islice(of_one, first, None):
                yield key(algorithm, lam, seed)
            first = 0

    def _run(self, algorithm: str, lam: float, seed: int, numbered: tuple[int, Configuration]) -> Run:
        number, configuration = numbered
        return Run(
            self.study, algorithm, lam, seed, configuration, self.budget, number, self.precision, self.data
        )

    def by_structure(self) -> list[Grid]:
        """A grid per structure and form of the systems, with everything in ascending order, whatever the order here."""
        numbered = sorted(self.configurations, key=lambda pair: pair[1])
        ordered = replace(self, lambdas=tuple(sorted(self.lambdas)))
        forms: dict[str, list[str]] = {}
        for name in sorted(self.algorithms):
            forms.setdefault(objectives.find(name).kind, []).append(name)
        return [
            replace(ordered, configurations=same, algorithms=tuple(forms[form]))
            for _, group in itertools.groupby(numbered, key=lambda pair: pair[1].structure)
            for same in [tuple(group)]
            for form in sorted(forms)
        ]


def trained(algorithms: Sequence[str], lambdas: Sequence[float]) -> tuple[tuple[float, str], ...]:
    """λ × algorithms, each pair once, and each algorithm that has no λ once, at λ = 0; ascending where both are."""
    lambdas = tuple(dict.fromkeys(map(float, lambdas)))
    weighed = {name: objectives.find(name).lam is not None for name in algorithms}
    places = lambdas if 0.0 in lambdas else (0.0, *lambdas)
    return tuple(
        (lam, name)
        for lam in places
        for name, reads in weighed.items()
        if (lam in lambdas if reads else lam == 0.0)
    )
