"""Weights of one member of a cohort, by name: taken out of it, put into it, and measured as its row was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from trainables.engine.cohort import Cohort
from trainables.engine.training import Result, Training
from trainables.runs import Run
from trainables.saved_models.record import Record

Weights = Mapping[str, Tensor]
"""network.name -> parameter or buffer of its module, such as encoder.flat."""


def of_member(cohort: Cohort, m: int) -> dict[str, Tensor]:
    """The weights of member m as they are now, copies on the CPU."""
    return {name: place.detach().cpu().clone().contiguous() for name, place in _places(cohort, m).items()}


def measured(record: Record, weights: Weights, device: str = "cpu") -> Result:
    """Metrics, samples and pictures of a model, as they were taken at the end of its training.

    On the kind of processor on which it was trained, and with the same versions, they are equal to those of its row to the bit.

    Raises:
        ValueError: its data are not here.
    """
    run = Run.from_dict(record.run)
    with _one_thread():
        training = Training([run], device, _until(record, run), record.measures)
        for m in range(len(training.cohort)):  # it may train beside its double
            for name, place in _places(training.cohort, m).items():
                place.copy_(weights[name])
        training.iteration = record.iterations
        training.evaluate()
        return training.results()[0]


def _until(record: Record, run: Run) -> int | None:
    return None if record.iterations >= run.budget else record.iterations


def _places(cohort: Cohort, m: int) -> dict[str, Tensor]:
    """Views of the member's parameters and buffers in the cohort's arrays."""
    return {
        f"{name}.{key}": place
        for name, net in cohort.networks.items()
        for key, place in {
            **net.parameters(cohort.parameters[name][m]),
            **{key: kept[m] for key, kept in cohort.buffers[name].items()},
        }.items()
    }


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Sums of several threads are added up in another order than those of a trial, which has one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
