"""Optimisers of a cohort: one flat array of a network's parameters, a value of each fusible hyper-parameter per member.

An `Optimiser` is written for one model; here it is vectorised over members. Adam has hand-written forms: this one, and a kernel.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from trainables.engine.traced.graph import Traced, trace
from trainables.optimisers.adam import BETA2, EPSILON, Adam
from trainables.optimisers.base import Optimiser
from trainables.parameters import declared


class CohortOptimiser(ABC):
    """Optimiser of M members with P parameters each.

    Args:
        optimiser: with its values, of which the fusible ones are one member's and not read.
        parameters: [M, P], updated in place.
        columns: fusible hyper-parameter -> its values [M].

    Attributes:
        state: name -> [M, P], 0 before the first step.
        taken: steps taken so far, the same for all members; who takes them counts them.
    """

    def __init__(self, optimiser: Optimiser, parameters: Tensor, columns: Mapping[str, Tensor]) -> None:
        self.optimiser, self.parameters = optimiser, parameters
        self.columns = {name: values.double().cpu().numpy() for name, values in columns.items()}
        self.state = {name: torch.zeros_like(parameters) for name in optimiser.state}
        self.taken = 0

    @abstractmethod
    def scalars(self, steps: int) -> np.ndarray:
        """Numbers that each of the next `steps` steps takes for each member, computed in float64: float32 [steps, M, S]."""

    @abstractmethod
    def step(self, gradient: Tensor, scalars: Tensor, members: slice = slice(None)) -> None:
        """One step in place of these members down `gradient` [M, P] with its scalars [M, S], on the same device."""


@final
class CohortAdam(CohortOptimiser):
    """Adam in place. Scalars: rate / (1 − β1ᵗ), β1, 1 − β1, 1 − rate · decay, 1 / √(1 − β2ᵗ), β2, 1 − β2, ε.

    The kernel takes the same: `adam_step` in native/block.cpp.
    """

    def __init__(self, optimiser: Optimiser, parameters: Tensor, columns: Mapping[str, Tensor]) -> None:
        super().__init__(optimiser, parameters, columns)
        self.decays = bool(self.columns["weight_decay"].any())

    def scalars(self, steps: int) -> np.ndarray:
        rates, betas, decays = (self.columns[name] for name in ("learning_rate", "beta1", "weight_decay"))
        t = self.taken + 1 + np.arange(steps)[:, None]
        corrections = 1 / np.sqrt(1 - BETA2 ** t[:, :1])
        values = (
            rates / (1 - betas**t),
            betas,
            1 - betas,
            1 - rates * decays,
            corrections,
            BETA2,
            1 - BETA2,
            EPSILON,
        )
        return np.stack(np.broadcast_arrays(*values), axis=-1).astype(np.float32)

    def step(self, gradient: Tensor, scalars: Tensor, members: slice = slice(None)) -> None:
        parameters, (first, second) = self.parameters[members], (s[members] for s in self.state.values())
        rate, beta1, one_minus_beta1, kept, correction = (
            column.unsqueeze(1) for column in scalars[:, :5].unbind(1)
        )
        if self.decays:
            parameters.mul_(kept)
        first.mul_(beta1).addcmul_(gradient, one_minus_beta1)
        second.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        denominator = second.sqrt().mul_(correction).add_(EPSILON)
        parameters.addcdiv_(first * rate, denominator, value=-1.0)


@final
class Vectorised(CohortOptimiser):
    """Any optimiser. Scalars: the step's number, then the fusible hyper-parameters in declared order."""

    def scalars(self, steps: int) -> np.ndarray:
        numbers = self.taken + 1 + np.arange(steps, dtype=np.float64)
        members = len(self.parameters)
        values = [np.broadcast_to(numbers[:, None], (steps, members))]
        values += [np.broadcast_to(column, (steps, members)) for column in self.columns.values()]
        return np.stack(values, axis=-1).astype(np.float32)

    def step(self, gradient: Tensor, scalars: Tensor, members: slice = slice(None)) -> None:
        parameters, states = self.parameters[members], [state[members] for state in self.state.values()]
        arguments = (parameters, gradient, scalars, *states)
        kind = (type(self.optimiser), *vars(self.optimiser).items())
        signature = (*kind, tuple(parameters.shape), str(gradient.device))
        if signature not in _traces:
            with torch.inference_mode(False):
                _traces[signature] = trace(vmap(one_step(self.optimiser)), arguments)
        after, *state = _traces[signature](*arguments)
        parameters.copy_(after)
        for mine, new in zip(states, state, strict=True):
            mine.copy_(new)


HAND_WRITTEN: dict[type[Optimiser], type[CohortOptimiser]] = {Adam: CohortAdam}
"""Optimisers that have a form of their own for cohorts."""


def made(optimiser: Optimiser, parameters: Tensor, columns: Mapping[str, Tensor]) -> CohortOptimiser:
    """The fastest form of an optimiser; arguments as of `CohortOptimiser`."""
    return HAND_WRITTEN.get(type(optimiser), Vectorised)(optimiser, parameters, columns)


def fusible_names(optimiser: Optimiser) -> list[str]:
    """Its hyper-parameters that may differ between members, in declared order."""
    return [name for name, parameter in declared(type(optimiser)).items() if not parameter.structural]


def one_step(optimiser: Optimiser) -> Traced:
    """For ONE model: parameters [P], gradient [P], scalars [S] as of `Vectorised`, each state [P] -> parameters and states after it.

    Raises:
        ValueError: an update gives another state than its optimiser declares.
    """
    fusible = fusible_names(optimiser)
    fixed = {name: value for name, value in vars(optimiser).items() if name not in (*fusible, "name")}

    def step(parameters: Tensor, gradient: Tensor, scalars: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        number, *values = scalars.unbind()
        one = type(optimiser)(**fixed, **dict(zip(fusible, values, strict=True)))
        named = dict(zip(optimiser.state, state, strict=True))
        after, new = one.update(parameters, gradient, named, number)
        shapes = {
            name: tuple(getattr(value, "shape", ())) for name, value in {"parameters": after, **new}.items()
        }
        if shapes != dict.fromkeys(("parameters", *optimiser.state), tuple(parameters.shape)):
            raise ValueError(f"{type(optimiser).__name__}.update must give parameters and the state {', '.join(optimiser.state) or 'none'} shaped "
                             f"like them, {list(parameters.shape)}, got {', '.join(f'{n} {list(s)}' for n, s in shapes.items())}")  # fmt: skip
        return after, *(new[name] for name in optimiser.state)

    return step


def check(optimiser: Optimiser) -> None:
    """Raises ValueError where a step of it cannot be computed."""
    flat, scalars = torch.zeros(4), torch.full((1 + len(fusible_names(optimiser)),), 0.5)
    states: Sequence[Tensor] = [torch.zeros(4) for _ in optimiser.state]
    try:
        one_step(optimiser)(flat, flat, scalars, *states)
    except ValueError:
        raise
    except Exception as error:  # whatever somebody else's update raises
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(
            f"{type(optimiser).__name__}.update must compute a step, but raised {reason}"
        ) from error


_traces: dict[tuple[object, ...], Traced] = {}
"""Traced steps by what they depend on, kept for the life of the process."""
