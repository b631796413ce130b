"""fANOVA of a searched space: it names what moves the metric, and is silent where nothing can be said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.importance.fanova import importances
from tests.analysis.measures import INCEPTION, LOG_MSE

NAMES = ["depth", "learning_rate"]
Make = Callable[..., dict[str, Any]]


def random_runs(run: Make, response: Callable[[float, float], float], count: int = 120) -> pd.DataFrame:
    """Runs at depths 1 … 4 and rates 1e-5 … 1e-1, log-uniform, with the score a function of both."""
    rng = np.random.default_rng(0)
    rows = []
    for n in range(count):
        depth, log_rate = int(rng.integers(1, 5)), float(rng.uniform(-5, -1))
        score = response(depth, log_rate)
        rows.append(
            run("alice", n, depth=depth, learning_rate=10**log_rate, inception_score=score, mse_x=10**-score)
        )
    return pd.DataFrame(rows)


def test_the_only_hyper_parameter_that_matters_has_nearly_all_of_the_variance(run: Make) -> None:
    shares = importances(random_runs(run, lambda depth, log_rate: log_rate), NAMES, INCEPTION)
    assert list(shares) == ["learning_rate", "depth"]
    assert shares["learning_rate"] > 0.97
    assert 0.9 < sum(shares.values()) < 1


def test_equal_parts_have_equal_shares_on_the_metrics_own_scale(run: Make) -> None:
    # Var(depth) = (16 − 1)/12 = 1.25; Var(log rate) = 16/12 = 1.33: shares 0.484 and 0.516
    runs = random_runs(run, lambda depth, log_rate: depth + log_rate, 400)
    for measure in (INCEPTION, LOG_MSE):
        shares = importances(runs, NAMES, measure)
        assert shares["depth"] == pytest.approx(0.484, abs=0.06)


def test_importances_do_not_depend_on_the_order_of_rows(run: Make) -> None:
    runs = random_runs(run, lambda depth, log_rate: depth * log_rate)
    assert importances(runs, NAMES, INCEPTION) == importances(
        runs.sample(frac=1, random_state=1), NAMES, INCEPTION
    )


def test_runs_without_a_final_value_are_left_out(run: Make) -> None:
    runs = random_runs(run, lambda depth, log_rate: log_rate, 60)
    more = [
        run("alice", 100 + i, outcome=o, depth=9, learning_rate=1.0)
        for i, o in enumerate(("DIVERGED", "STOPPED", "FAILED"))
    ]
    assert importances(pd.concat([runs, pd.DataFrame(more)]), NAMES, INCEPTION) == importances(
        runs, NAMES, INCEPTION
    )


def test_nothing_is_said_of_few_runs_of_equal_ones_or_of_one_level(run: Make) -> None:
    runs = random_runs(run, lambda depth, log_rate: log_rate)
    assert importances(runs[:3], NAMES, INCEPTION) == {}
    assert importances(runs.assign(inception_score=4.0), NAMES, INCEPTION) == {}
    assert importances(runs.assign(depth=2, learning_rate=0.1), NAMES, INCEPTION) == {}


def test_what_interactions_explain_is_in_no_share(run: Make) -> None:
    runs = random_runs(run, lambda depth, log_rate: float((depth > 2) == (log_rate > -3)))
    assert sum(importances(runs, NAMES, INCEPTION).values()) < 0.2  # neither explains anything by itself
