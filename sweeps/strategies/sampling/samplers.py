"""Optuna's samplers, and the part of a long history that each of them still needs.

What it costs to ask grows with the trials that a sampler looks through: TPE takes 17 ms with 500 and 200 ms with 10,000. A
history that has more than LONGEST results is therefore cut to what its sampler proposes from. It is cut between generations,
by the number of results alone, so that proposals stay a pure function of what was told.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import optuna
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

LONGEST = 1_000
"""Results up to which a history stays whole."""

RECENT = 500
"""Latest results that TPE keeps of a longer one. Optuna weighs results by age, the latest 25 fully."""

BEST = 25
"""Best results that TPE keeps, whatever their age: as many as it takes for good at most (Optuna's gamma)."""

GENERATION = "NSGAIISampler:generation"
"""Key of a trial's generation in its system attributes."""

RESULTS = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Kind:
    """A sampler of Optuna.

    Attributes:
        make: returns it, from a seed and the size of a generation.
        needed: trials of a history, in order, that it proposes from, given the size of a generation.
        settle: brings a history of added trials to the state in which asking for them would have left it; to be called before it is
            asked and not before trials are added, of which Optuna would not know.
    """

    make: Callable[[int, int], BaseSampler]
    needed: Callable[[optuna.Study, int], list[FrozenTrial]]
    settle: Callable[[optuna.Study, int], None] = lambda history, size: None


def shortened(history: optuna.Study, kind: Kind, size: int) -> optuna.Study:
    """The history, cut to the needed trials if it has more than LONGEST results."""
    if len(history.get_trials(deepcopy=False, states=RESULTS)) <= LONGEST:
        return history
    kind.settle(history, size)
    short = optuna.create_study(directions=history.directions)
    short.add_trials(kind.needed(history, size))
    return short


def _nothing(history: optuna.Study, size: int) -> list[FrozenTrial]:
    """A random sampler looks at no result."""
    return []


def _best_and_recent(history: optuna.Study, size: int) -> list[FrozenTrial]:
    """Results that TPE calls good, and the latest ones: the others weigh little."""
    results = history.get_trials(deepcopy=False, states=RESULTS)
    sign = 1.0 if history.direction == optuna.study.StudyDirection.MINIMIZE else -1.0
    allowed = [
        trial
        for trial in results
        if trial.state == TrialState.COMPLETE and not any(c > 0 for c in trial.constraints.values())
    ]
    best = sorted(allowed, key=lambda trial: (sign * trial.values[0], trial.number))[:BEST]
    kept = {trial.number for trial in (*best, *results[-RECENT:])}
    return [trial for trial in results if trial.number in kept]


def _last_generations(history: optuna.Study, size: int) -> list[FrozenTrial]:
    """The generation that NSGA-II is at, and its parents, as generations 1 and 0: all that the next one depends on."""
    sampler, last = NSGAIISampler(population_size=size), _last_generation(history)
    generations = sampler.get_parent_population(history, last), sampler.get_population(history, last)
    kept = (sorted(trials, key=lambda trial: trial.number) for trials in generations)
    return [_as_of(trial, generation) for generation, trials in enumerate(kept) for trial in trials]


def _choose_parents(history: optuna.Study, size: int) -> None:
    """Has NSGA-II choose the parents of each generation that was begun: it keeps them, in another order than it chooses them."""
    sampler = NSGAIISampler(population_size=size)
    for generation in range(1, _last_generation(history) + 1):
        sampler.get_parent_population(history, generation)


def _last_generation(history: optuna.Study) -> int:
    results = history.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return max((trial.system_attrs[GENERATION] for trial in results), default=0)


def _as_of(trial: FrozenTrial, generation: int) -> FrozenTrial:
    trial = copy.copy(trial)
    trial.system_attrs = {**trial.system_attrs, GENERATION: generation}
    return trial


SAMPLERS = {
    "random": Kind(lambda seed, size: RandomSampler(seed=seed), _nothing),
    "tpe": Kind(lambda seed, size: TPESampler(seed=seed, n_startup_trials=size), _best_and_recent),
    "nsga2": Kind(
        lambda seed, size: NSGAIISampler(seed=seed, population_size=size), _last_generations, _choose_parents
    ),
}
"""Name -> a sampler."""
