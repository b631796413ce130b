"""The toy data and its exact posterior."""

import math

import numpy as np
import torch

from trainables.datasets import mixture
from trainables.randomness.streams import stream

PINNED_TRAIN = (15.848320471224724, -45.24853401980363)
PINNED_TEST = (108.30747659807093, -60.50775466149207)


def test_data_have_the_declared_shapes_and_differ_between_train_and_test() -> None:
    data = mixture.load()
    assert data.train.shape == (2048, 2)
    assert data.test.shape == (1024, 2)
    assert data.train.dtype == torch.float32
    assert not torch.equal(data.train[:1024], data.test)


def test_data_are_the_same_numbers_in_every_version_of_the_code() -> None:
    # A change of these is a change of DATA_VERSION: stored runs would no longer be comparable.
    data = mixture.load()
    assert mixture.DATA_VERSION == "mixture5-v1"
    np.testing.assert_allclose(data.train.double().sum(0), PINNED_TRAIN, rtol=1e-6)
    np.testing.assert_allclose(data.test.double().sum(0), PINNED_TEST, rtol=1e-6)


def test_sample_has_the_moments_of_the_mixture() -> None:
    # Each coordinate: mean 0, variance 0.04 + (0 + 4·4)/5 = 3.24; modes equally likely.
    x = mixture.sample(200_000, stream("moments"))
    np.testing.assert_allclose(x.mean(0), [0, 0], atol=0.02)
    np.testing.assert_allclose(x.var(0), [3.24, 3.24], rtol=0.01)
    share = mixture.log_posterior(x.double()).exp().mean(0)
    np.testing.assert_allclose(share, [0.2] * 5, atol=0.005)


def test_posterior_is_even_between_two_modes() -> None:
    # (1, 1) lies √2 from (0, 0) and from (2, 2), and √10 from (2, -2) and (-2, 2): e^{-(10-2)/0.08} = e^{-100}.
    posterior = mixture.log_posterior(torch.tensor([[1.0, 1.0]], dtype=torch.float64)).exp()[0]
    np.testing.assert_allclose(posterior[:2], [0.5, 0.5], atol=1e-12)
    assert posterior[2:].max() < 1e-40


def test_posterior_has_the_ratio_derived_by_hand() -> None:
    # x = (1.01, 1): ‖x‖² − ‖x − (2,2)‖² = 4·(1.01 + 1) − 8 = 0.04, so log odds = 0.04 / 0.08 = 0.5.
    log_p = mixture.log_posterior(torch.tensor([1.01, 1.0], dtype=torch.float64))
    assert math.isclose((log_p[1] - log_p[0]).item(), 0.5, abs_tol=1e-12)
