"""Learning curves and exemplars: which runs count, which are shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.sections._exemplars import exemplars
from analysis.sections.base import spread
from analysis.statistics.learning_curves import learning_curve
from tests.analysis.measures import INCEPTION, MSE


@pytest.fixture
def curves(run, study):
    """Three runs evaluated at 10 and 20; the third DIVERGED at 15."""
    rows = study([run("alice", 0), run("alice", 1), run("alice", 2, outcome="DIVERGED", diverged_at=15)])
    keys = rows.runs["run_key"].tolist()
    frame = pd.DataFrame({
        "run_key": [keys[0], keys[0], keys[1], keys[1], keys[2]], "iteration": [10, 20, 10, 20, 10],
        "mse_x": [1.0, 0.5, 2.0, 0.7, 3.0], "inception_score": [1.0, 4.0, 2.0, 5.0, 3.0],
    })  # fmt: skip
    return replace(rows, curves=frame)


def test_learning_curve_counts_a_diverged_run_as_worst_from_its_iteration_on(curves):
    mse = learning_curve(curves, "alice", 0.1, MSE)
    assert mse.iterations.tolist() == [10, 20]
    assert mse.runs.tolist() == [3, 3]
    assert mse.median.tolist() == [2.0, 0.7]  # 1 2 3, then 0.5 0.7 inf
    assert mse.high.tolist() == [3.0, np.inf]
    score = learning_curve(curves, "alice", 0.1, INCEPTION)
    assert score.median.tolist() == [2.0, 4.0]  # 1 2 3, then -inf 4 5
    assert score.low.tolist() == [1.0, -np.inf]


def test_learning_curve_is_empty_when_the_group_has_no_curves(curves):
    assert len(learning_curve(curves, "svae_r", 0.1, MSE).iterations) == 0


def test_exemplars_are_best_median_and_worst_by_inception_score(run, study):
    scores = [2.0, 4.0, 3.0, 5.0]
    runs = [run("alice", i, inception_score=s) for i, s in enumerate(scores)]
    found = exemplars(study([*runs, run("alice", 9, outcome="DIVERGED")]), "alice", 0.1, INCEPTION)
    # 2 3 4 5: of the two in the middle the lower
    assert [(e.rank, e.run["inception_score"]) for e in found] == [
        ("best", 5.0),
        ("median", 3.0),
        ("worst", 2.0),
    ]


def test_exemplars_are_none_when_every_run_diverged(run, study):
    assert exemplars(study([run("alice", 0, outcome="DIVERGED")]), "alice", 0.1, INCEPTION) == []


def test_spread_keeps_the_first_and_last_value():
    assert spread([0.0, 1.0], 5) == [0.0, 1.0]
    assert spread([float(i) for i in range(11)], 5) == [0.0, 2.0, 5.0, 8.0, 10.0]
