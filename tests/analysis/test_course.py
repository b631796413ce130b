"""The course of a search and of successive halving, by hand; and their sections of the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.importance.search_history import course, rungs, spent, stopped_count, would_have_spent
from analysis.rows import Rows
from analysis.sections.halving import Halving
from analysis.sections.search import Search
from tests.analysis.made import made
from tests.analysis.measures import INCEPTION, MSE

Make = Callable[..., dict[str, Any]]


def test_the_best_so_far_is_of_completed_runs_in_the_order_they_were_stored(run: Make) -> None:
    # finished_at is the configuration's number in seconds: 0, 1, 2, 3, 4, 5
    outcomes = ["STOPPED", "COMPLETED", "DIVERGED", "COMPLETED", "FAILED", "COMPLETED"]
    scores = [4.9, 3.0, None, 2.0, None, 4.0]
    runs = [
        run("alice", n, outcome=o, inception_score=s, mse_x=s)
        for n, (o, s) in enumerate(zip(outcomes, scores, strict=True))
    ]
    frame = pd.DataFrame(runs[::-1])
    found = course(frame, INCEPTION)
    np.testing.assert_array_equal(found.values, [np.nan, 3, np.nan, 2, 4])
    np.testing.assert_array_equal(found.best, [np.nan, 3, 3, 3, 4])
    assert found.seconds.tolist() == [1.5, 3.0, 4.5, 6.0, 7.5]  # 1.5 s a run; the FAILED one is tried again
    np.testing.assert_array_equal(course(frame, MSE).best, [np.nan, 3, 3, 2, 2])
    assert len(course(frame[:0], MSE).best) == 0


def halved(run: Make) -> list[dict[str, Any]]:
    """Of each system: two STOPPED at 75, one at 150, one COMPLETED at 300 and one that DIVERGED at 100."""
    ends = [("STOPPED", 75), ("STOPPED", 75), ("STOPPED", 150), ("COMPLETED", 300), ("DIVERGED", 300)]
    return [
        run(a, n, outcome=o, iterations=i, diverged_at=100 if o == "DIVERGED" else None)
        for a in ("svae_r", "alice")
        for n, (o, i) in enumerate(ends)
    ]


def cut(rows: Rows) -> Rows:
    """The curves of STOPPED runs up to where they were."""
    at = rows.runs.set_index("run_key")["iterations"]
    kept = rows.curves["iteration"].to_numpy() <= rows.curves["run_key"].map(at).to_numpy()
    return Rows(rows.where, rows.manifest, rows.budget, {}, rows.runs, rows.curves[kept])


def test_curves_end_where_runs_were_stopped_or_diverged(run: Make, study: Callable[..., Rows]) -> None:
    found = rungs(cut(study(halved(run))), "alice", 0.1, MSE)
    assert found.iterations.tolist() == [75, 150, 225, 300]
    assert found.counts == {75: 2, 150: 1}
    lengths = np.isfinite(found.values).sum(axis=1)
    assert sorted(zip(found.stopped_at.tolist(), lengths.tolist(), strict=True)) == [
        (0, 1), (0, 4), (75, 1), (75, 1), (150, 2),
    ]  # fmt: skip


def test_device_seconds_are_counted_and_extrapolated_at_each_runs_own_pace(run: Make) -> None:
    runs = pd.DataFrame(halved(run)[:5])
    assert (stopped_count(runs), spent(runs)) == (3, 7.5)
    # 1.5 s each: 75 of 300 iterations would take 6 s, 150 would take 3 s
    assert would_have_spent(runs) == pytest.approx(6 + 6 + 3 + 1.5 + 1.5)


def test_sections_are_there_for_what_was_halved_or_searched_alone(
    run: Make, study: Callable[..., Rows]
) -> None:
    rows = cut(study(halved(run)))
    section = made(Halving, rows)
    assert [drawing.name for drawing in section.drawings] == ["halving_lambda_0.1"]
    assert "2 at 75, 1 at 150" in section.body
    assert "42%" in section.body.replace(" %", "%")  # 7.5 of 18 s
    whole = study([run("alice", n) for n in range(4)])
    assert not made(Halving, whole).body
    assert not made(Search, whole).body
