"""Conformance of a part, for anybody's own tests: what a study relies on, as functions that pytest collects.

    from trainables.testing import network_contract

    test_dcgan = network_contract(my_networks.DCGAN, data="digits_grey", channels=8)

Each returns a test without arguments, which fails with an AssertionError or a ValueError that says what is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from trainables import metrics, objectives
from trainables.configurations import VECTOR, fitted
from trainables.datasets.base import DataSet
from trainables.engine import checkpoint, rehearsal
from trainables.engine.training import Result, Training
from trainables.metrics.base import Metric
from trainables.networks.base import Network
from trainables.objectives.base import Objective
from trainables.optimisers.base import Optimiser
from trainables.parameters import Part, declared
from trainables.runs import Run

Test = Callable[[], None]

BUDGET = 40
"""Iterations of the runs that are trained: two blocks."""

USUAL: dict[str, Any] = {
    "depth": 1, "width": 32, "critic_depth": 1, "critic_dropout": 0.1, "batch_size": 2 * VECTOR, "steps": 1, "learning_rate": 1e-3,
    "beta1": 0.5,
}  # fmt: skip
"""Hyper-parameters of these runs where nothing else is said."""


def network_contract(
    network: type[Network], data: str = "mixture5", algorithm: str = "svae_r", **values: Any
) -> Test:
    """A test of a network as encoder, decoder and critic of one algorithm on a data set.

    It must fit its ports, draw no random numbers of its own, and a run with it must be the same to the bit beside any other runs and
    after an interruption.

    Args:
        network: the class.
        data: name of a data set.
        algorithm: name of an objective.
        values: of the network's hyper-parameters, and others in place of `USUAL`; `encoder="mlp"` leaves that one out.
    """
    path = f"{network.__module__}:{network.__qualname__}"
    chosen = dict.fromkeys(("encoder", "decoder", "critic"), path)
    return _trained(lambda: _runs(algorithm, data, {**chosen, **values}), (network,))


def optimiser_contract(
    optimiser: type[Optimiser], data: str = "mixture5", algorithm: str = "svae_r", **values: Any
) -> Test:
    """A test of an optimiser: as of `network_contract`, and a member's step depends on its own numbers alone.

    Args:
        optimiser: the class.
        data, algorithm, values: as of `network_contract`.
    """
    path = f"{optimiser.__module__}:{optimiser.__qualname__}"
    return _trained(lambda: _runs(algorithm, data, {"optimiser": path, **values}), (optimiser,))


def objective_contract(objective: type[Objective], data: str = "mixture5", **values: Any) -> Test:
    """A test of an objective: as of `network_contract`, and every player has a finite loss that moves what it trains.

    Args:
        objective: the class.
        data, values: as of `network_contract`.
    """
    path = f"{objective.__module__}:{objective.__qualname__}"

    def test() -> None:
        objectives.check(path, data)
        runs = _runs(path, data, values)
        _moves(runs[0])
        _trained(lambda: runs, (objective,))()

    return test


def metric_contract(
    metric: type[Metric], data: str = "mixture5", algorithm: str = "svae_r", **values: Any
) -> Test:
    """A test of a metric: a number of every model, within the best and the worst that it declares, and the same to the bit beside
    any other models and after an interruption.

    Args:
        metric: the class.
        data, algorithm, values: as of `network_contract`; of models that have what it needs.
    """
    path = f"{metric.__module__}:{metric.__qualname__}"

    def test() -> None:
        one, runs = metrics.find(path), _runs(algorithm, data, values)
        rehearsal.rehearse([path], [algorithm], data)
        for result in _results(runs, [path]):
            assert one.name in (result.metrics or {}), (
                f"{one.name} must be taken of {algorithm} on {data}, but needs {', '.join(one.needs)}; give a data set and an "
                "algorithm that have that"
            )
            value = (result.metrics or {})[one.name]
            for end, what, beyond in ((one.best, "best", one.better), (one.worst, "worst", -one.better)):
                assert end is None or (value - end) * beyond <= 0, (
                    f"{one.name} must not be beyond the {what} that it declares, {end}, got {value}"
                )
        _trained(lambda: runs, (), [path])()

    return test


def dataset_contract(data: type[DataSet]) -> Test:
    """A test of a data set: shapes and types of its points, labels that are one-hot, the same points at every call, and in every
    batch that they are in. The same of a second domain.
    """

    def test() -> None:
        whole, again = data(), data()
        assert whole.other is None or whole.z_dim == whole.other.x_dim, (
            f"z_dim of {whole.name} must be the dimension of its second domain, {whole.other.x_dim}, got {whole.z_dim}"
        )
        for one, same in zip(whole.domains, again.domains, strict=True):
            _keeps(one, same)

    return test


def _keeps(one: DataSet, same: DataSet) -> None:
    """Fails where a domain, made twice, is none."""
    width = one.x_dim + one.classes
    for name, points in (("train", one.train), ("test", one.test)):
        assert points.dtype == torch.float32, f"{name} of {one.name} must be float32, got {points.dtype}"
        assert points.dim() == 2, f"{name} of {one.name} must be [n, {width}], got {list(points.shape)}"
        assert points.shape[1] == width, (
            f"{name} of {one.name} must be [n, {width}], got {list(points.shape)}"
        )
        assert bool(points.isfinite().all()), f"{name} of {one.name} must be finite"
        labels = points[:, one.x_dim :]
        assert set(labels.unique().tolist()) <= {0.0, 1.0}, f"labels of {one.name} must be one-hot"
        assert not one.classes or float(labels.sum(1).max()) <= 1, f"labels of {one.name} must be one-hot"
    if one.bounded:
        x = one.train[:, : one.x_dim]
        assert 0 <= float(x.min()) <= float(x.max()) <= 1, (
            f"points of {one.name} must lie in [0, 1], where they are bounded"
        )
    assert torch.equal(one.train, same.train), f"{one.name} must have the same points at every call"
    assert one.train_points == len(one.stored) == len(one.train), (
        f"{one.name} must have as many points stored as it has, {len(one.train)}"
    )
    order = torch.arange(one.train_points).flip(0)[:VECTOR]
    assert torch.equal(one.rows(one.stored[order], order), one.train[order]), (
        f"rows of {one.name} must depend on the point and its number alone, but differ in another batch"
    )
    assert one.version.rpartition("-v")[2].isdigit(), (
        f"the version of {one.name} must end in -v and a number, got {one.version}"
    )


def _runs(algorithm: str, data: str, values: dict[str, Any]) -> list[Run]:
    """Four runs of one structure whose seeds, and rates where there is one, differ."""
    found = []
    for seed in range(4):
        configuration = fitted({**USUAL, **values})
        if "learning_rate" in configuration.values:
            configuration = configuration.changed(learning_rate=configuration.learning_rate / 2**seed)
        found.append(Run("conformance", algorithm, 0.1, seed, configuration, BUDGET, data=data))
    return found


def _trained(
    runs: Callable[[], Sequence[Run]], parts: Sequence[type], metrics: Sequence[str] | None = None
) -> Test:
    def test() -> None:
        for part in parts:
            if issubclass(part, Part):
                declared(part)  # refuses a declaration that is not whole
        declared_runs = runs()
        rehearsal.check(declared_runs)
        together = _results(declared_runs, metrics)
        _same(together[1:2], _results(declared_runs[1:2], metrics), "alone")
        _same(together[2:0:-1], _results(declared_runs[2:0:-1], metrics), "beside others, in another order")
        _same(together, _interrupted(declared_runs, metrics), "after an interruption")
        assert not _equal(together[0], _results([replace(declared_runs[0], seed=9)], metrics)[0]), (
            "runs must depend on their seed, but two seeds have equal results"
        )

    return test


def _results(runs: Sequence[Run], metrics: Sequence[str] | None) -> list[Result]:
    training = Training(runs, metrics=metrics)
    while not training.finished:
        training.advance()
    return training.results()


def _interrupted(runs: Sequence[Run], metrics: Sequence[str] | None) -> list[Result]:
    """The results of a training that was packed after its first block, and went on in another process's memory."""
    first = Training(runs, metrics=metrics)
    first.advance()
    second = Training(runs, metrics=metrics)
    checkpoint.unpack(second, [checkpoint.pack(first)])
    while not second.finished:
        second.advance()
    return second.results()


def _moves(run: Run) -> None:
    training = Training([run])
    before = {name: flat.clone() for name, flat in training.cohort.parameters.items()}
    training.advance()
    for player, trained in training.cohort.form.players.items():
        losses = [point[f"{player}_loss"] for point in training.curves[0]]
        assert None not in losses, f"the loss of {player} must be finite, got {losses}"
        for name in trained:
            moved = not torch.equal(before[name], training.cohort.parameters[name])
            assert moved, f"{player} must train {name}, but its parameters did not move"


def _same(expected: Sequence[Result], found: Sequence[Result], how: str) -> None:
    for a, b in zip(expected, found, strict=True):
        assert _equal(a, b), (
            f"a run must be the same to the bit {how}, but {a.run.algorithm} with seed {a.run.seed} has "
            f"{a.metrics or a.diverged_at} and {b.metrics or b.diverged_at}"
        )


def _equal(a: Result, b: Result) -> bool:
    drawn = [{kind: images.tolist() for kind, images in one.pictures.items()} for one in (a, b)]
    values = [(one.metrics, one.diverged_at, images) for one, images in zip((a, b), drawn, strict=True)]
    return values[0] == values[1] and np.array_equal(a.samples, b.samples)
