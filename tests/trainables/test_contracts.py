"""The conformance suite, as somebody's own tests call it: of every network and optimiser that is found, and of a package's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

SOMEBODYS = Path(__file__).parents[1] / "somebodys"
sys.path.append(str(SOMEBODYS))  # as an installed package is

from my_lab.bad_metrics import Branching, PerPoint  # noqa: E402
from my_lab.convolutional import Convolutional  # noqa: E402
from my_lab.data import Ring  # noqa: E402
from my_lab.lion import Lion  # noqa: E402
from my_lab.losses import Hinge  # noqa: E402
from my_lab.ring import OnRingShare  # noqa: E402
from my_lab.sliced_wasserstein import SlicedWasserstein  # noqa: E402

from trainables.networks.mlp import Perceptron  # noqa: E402
from trainables.optimisers.adam import Adam  # noqa: E402
from trainables.optimisers.rmsprop import RMSProp  # noqa: E402
from trainables.testing import (  # noqa: E402
    dataset_contract,
    metric_contract,
    network_contract,
    objective_contract,
    optimiser_contract,
)

test_perceptrons = network_contract(Perceptron)
test_convolutional_networks_with_batch_normalisation = network_contract(
    Convolutional, data="digits_grey", channels=4
)
test_a_convolutional_encoder_beside_perceptrons = network_contract(
    Convolutional, data="digits_grey", channels=4, decoder="mlp", critic="mlp"
)
test_adam = optimiser_contract(Adam, weight_decay=0.1)
test_rmsprop = optimiser_contract(RMSProp, alpha=0.9)
test_lion = optimiser_contract(Lion, beta2=0.9)
test_lion_of_convolutional_networks = optimiser_contract(
    Lion, data="digits_grey", encoder="my_lab.convolutional:Convolutional", channels=4
)
test_hinge = objective_contract(Hinge)
test_ring = dataset_contract(Ring)
test_on_ring_share = metric_contract(OnRingShare, data="my_lab.data:Ring", algorithm="gan")
test_sliced_wasserstein = metric_contract(SlicedWasserstein)


class BestInVain(SlicedWasserstein):  # type: ignore[misc]
    """Declares a best value that it goes beyond."""

    best = 100.0


@pytest.mark.parametrize(
    ("metric", "options", "error", "words"),
    [
        (PerPoint, {}, ValueError, "must return a scalar tensor"),
        (Branching, {}, ValueError, "declare what it needs, or correct it"),
        (OnRingShare, {"data": "digits"}, ValueError, "not classes"),
        (BestInVain, {}, AssertionError, "must not be beyond the best that it declares, 100.0, got"),
    ],
)
def test_a_metric_that_is_none_fails_its_contract(metric, options, error, words) -> None:
    with pytest.raises(error, match=words):
        metric_contract(metric, **options)()
