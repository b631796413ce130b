"""The best of k against its definition: enumeration, and draws."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from analysis.importance.best_of_k import best_of, budget_curve
from tests.analysis.measures import INCEPTION, MSE


@pytest.mark.parametrize(("better", "best"), [(+1, max), (-1, min)])
def test_best_of_is_the_mean_over_all_draws(better, best):
    values = np.array([3.0, 1.0, 4.0, 1.5])
    mean, low, high = best_of(values, [1, 2, 3], better)
    for k in (1, 2, 3):
        every = sorted(best(draw) for draw in itertools.combinations(values, k))
        assert mean[k - 1] == pytest.approx(np.mean(every))
        inverted = "inverted_cdf"
        assert low[k - 1] == pytest.approx(np.quantile(every, 0.05, method=inverted))
        assert high[k - 1] == pytest.approx(np.quantile(every, 0.95, method=inverted))


def test_best_of_grows_towards_the_best_value():
    values = np.random.default_rng(0).normal(size=50)
    mean, low, high = best_of(values, range(1, 51), +1)
    assert (np.diff(mean) > 0).all()
    assert (np.diff(low) >= 0).all()
    assert mean[-1] == low[-1] == high[-1] == values.max()


@pytest.mark.parametrize(("values", "most"), [([], 1), ([np.inf], 1), ([1.0], 0), ([1.0], 2)])
def test_best_of_refuses_what_has_no_mean(values, most):
    with pytest.raises(ValueError, match="finite values and numbers of runs in"):
        best_of(np.array(values), [most], +1)


def test_budget_curve_counts_a_divergence_as_the_worst_of_any_algorithm(study, run):
    runs = [
        run("alice", 0, mse_x=0.1, train_seconds=2.0),
        run("alice", 1, outcome="DIVERGED", train_seconds=1.0),
    ]
    runs += [run("svae_r", 0, mse_x=0.5), run("alice", 2, outcome="FAILED"), run("svae_r", 1, 9.0, mse_x=7.0)]
    curve = budget_curve(study(runs), "alice", 0.1, MSE)
    # Values 0.1 and 0.5, of which the best is 0.1.
    assert curve.expected.tolist() == pytest.approx([0.3, 0.1])
    assert curve.seconds.tolist() == pytest.approx([1.5, 3.0])
    assert budget_curve(study(runs), "alice", 9.0, MSE) is None
    assert budget_curve(study([run("alice", 0, outcome="DIVERGED")]), "alice", 0.1, INCEPTION) is None


def test_best_of_is_unbiased_where_k_is_near_the_number_of_runs():
    # The largest of k exponential values is 1 + 1/2 + … + 1/k on average, whatever number they are drawn from.
    rng = np.random.default_rng(0)
    means = np.mean([best_of(rng.exponential(size=16), range(1, 17), +1)[0] for _ in range(4000)], axis=0)
    expected = np.cumsum(1 / np.arange(1, 17))
    assert means[[0, 7, 15]] == pytest.approx(expected[[0, 7, 15]], abs=0.06)
