"""Histogram data without pixels: shared edges, a bin of its own for DIVERGED, nothing lost."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics.histograms import histograms, linear_edges, log_edges, symmetric_edges
from tests.analysis.measures import INCEPTION, MSE


def test_log_edges_are_eighths_of_decades_that_enclose_the_values():
    edges = log_edges(np.array([0.01, 0.1]))
    assert edges[0] == pytest.approx(0.01)
    assert edges[8] == pytest.approx(0.1)  # one decade is eight bins
    assert edges[-1] > 0.1  # the largest value is inside, not on the last edge


def test_linear_edges_run_between_whole_numbers():
    edges = linear_edges(np.array([1.2, 4.9]))
    assert (edges[0], edges[-1], len(edges)) == (1.0, 5.0, 41)


@pytest.mark.parametrize("edges", [log_edges, linear_edges, symmetric_edges])
@pytest.mark.parametrize("values", [[], [2.0], [2.0, 2.0]])
def test_edges_ascend_when_there_is_little_to_enclose(edges, values):
    assert np.all(np.diff(edges(np.array(values))) > 0)


def test_symmetric_edges_have_zero_among_them():
    edges = symmetric_edges(np.array([-0.3, 0.1]))
    assert edges[20] == 0.0
    assert (edges[0], edges[-1]) == (-0.3, 0.3)


def test_histograms_share_edges_and_count_diverged_in_the_denominator(run, study):
    runs = [run("svae_r", 0, inception_score=4.95), run("svae_r", 1, inception_score=4.95)]
    runs += [run("svae_r", 2, outcome="DIVERGED"), run("svae_r", 3, outcome="FAILED")]
    runs += [run("alice", 0, inception_score=1.05)]
    found = histograms(study(runs), INCEPTION)
    own = found.counts["svae_r", 0.1]
    # bins of 0.1 from 1 to 5: 4.95 is in the last one, 1.05 in the first
    assert own.counts[-1] == 2
    assert found.counts["alice", 0.1].counts[0] == 1
    assert (own.diverged, own.total) == (1, 3)  # FAILED is no result
    assert own.shares[-1] == pytest.approx(2 / 3)
    assert own.shares.sum() + own.apart_share == pytest.approx(1.0)


def test_histograms_lose_no_value_at_the_edges(run, study):
    values = [0.0, 1e-3, 0.01, 0.1, 1.0, 10.0, 123.4]
    found = histograms(study([run("alice", i, mse_x=v) for i, v in enumerate(values)]), MSE)
    assert found.counts["alice", 0.1].counts.sum() == len(values)


def test_histograms_are_empty_when_all_runs_diverged(run, study):
    found = histograms(study([run("alice", i, outcome="DIVERGED") for i in range(3)]), MSE)
    own = found.counts["alice", 0.1]
    assert own.counts.sum() == 0
    assert own.apart_share == 1.0


def test_histograms_have_zero_shares_when_a_group_has_no_runs(run, study):
    found = histograms(study([run("alice", 0, lam=0.1), run("svae_r", 0, lam=1.0)]), MSE)
    assert found.counts["alice", 1.0].total == 0
    assert found.counts["alice", 1.0].shares.sum() == 0
