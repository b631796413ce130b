"""Drills 7 and 8: members that diverge are counted, found by no search, and alone with it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from analysis import rows as stored_rows
from analysis.statistics.summary import summarise
from result_reading import read_runs
from tests.drills.diverging import BAD, STUDY
from tests.drills.harness import Drill, record
from tests.sweeps.small_study import mlflow_client
from tests.trainables.factory import different_runs, run, train
from trainables.engine.training import Training


class Raw(Training):
    """A training that keeps the losses as they come."""

    raw: np.ndarray

    def _find_divergence(self, losses: np.ndarray) -> None:
        self.raw = losses
        super()._find_divergence(losses)


def test_bad_rates_give_nan_and_inf() -> None:
    training = Raw(
        [replace(r, configuration=r.configuration.changed(learning_rate=lr)) for r in [run()] for lr in BAD]
    )
    training.advance()
    assert np.isnan(training.raw).any()
    assert np.isinf(training.raw).any()


@pytest.mark.drill
def test_nan_and_inf_in_a_tenth_of_the_members(tmp_path: Path) -> None:
    drill = Drill(tmp_path)
    command = [
        sys.executable,
        "-m",
        "tests.drills.diverging",
        "--preset",
        "smoke",
        "--tracking-uri",
        drill.tracking_uri,
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env=drill.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = str(tmp_path / "results" / STUDY.name)
    rows = read_runs(results).to_pylist()
    bad = [row for row in rows if row["learning_rate"] in BAD]
    diverged = [row for row in rows if row["outcome"] == "DIVERGED"]
    summary = summarise(stored_rows.load(results))
    client = mlflow_client(drill.tracking_uri)
    experiment = client.get_experiment_by_name(STUDY.name).experiment_id
    found = client.search_runs([experiment], "metrics.mse_x < 1e300")
    highest = client.search_runs([experiment], "metrics.mse_x > 1e30")
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        stored = database.execute(
            "SELECT count(*) FROM metrics WHERE is_nan OR abs(value) > 1e300"
        ).fetchone()[0]
    record(
        7, "NaN and inf in 10 % of the members",
        "all DIVERGED with iteration, in every denominator, found by no metrics.mse_x < t",
        f"{len(diverged)} of {len(rows)} runs DIVERGED, at iterations {', '.join(str(r['diverged_at']) for r in diverged)}; "
        f"denominators {', '.join(map(str, summary['runs']))}; search finds {len(found)} runs, 0 of them DIVERGED; "
        f"{stored} non-finite values in MLflow",
        "test_divergence.py::test_nan_and_inf_in_a_tenth_of_the_members",
    )  # fmt: skip
    assert len(bad) == len(rows) / 10 == 4
    assert sorted(r["run_key"] for r in diverged) == sorted(r["run_key"] for r in bad)
    assert all(1 <= row["diverged_at"] <= 60 and row["mse_x"] is None for row in diverged)
    assert list(summary["runs"]) == [20, 20]
    assert list(summary["diverged"]) == [2, 2]
    assert list(summary["diverged_share"]) == [0.1, 0.1]
    assert {r.data.tags["run_key"] for r in found} == {r["run_key"] for r in rows} - {
        r["run_key"] for r in bad
    }
    assert highest == []
    assert stored == 0


def test_members_beside_one_that_diverges_equal_their_solo_runs() -> None:
    others = different_runs(budget=40)[:3]
    hurt = run(budget=40, learning_rate=BAD[0], seed=9)
    together, weights = train([others[0], hurt, *others[1:]])
    assert together[hurt.key].diverged_at is not None
    compared = 0
    for own in others:
        alone, solo = train([own])
        assert alone[own.key].metrics == together[own.key].metrics
        assert alone[own.key].curve == together[own.key].curve
        assert np.array_equal(alone[own.key].samples, together[own.key].samples)
        assert all(torch.equal(solo[own.key][name], weights[own.key][name]) for name in solo[own.key])
        compared += len(alone[own.key].metrics or {})
    record(
        8, "One member diverges", "the others equal their solo runs, bitwise on CPU",
        f"{len(others)} neighbours: {compared} metrics, curves, samples and all weights equal to the bit",
        "test_divergence.py::test_members_beside_one_that_diverges_equal_their_solo_runs",
    )  # fmt: skip
