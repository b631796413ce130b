"""The large study: as many rows as were asked for, with the keys that their runs have, and what it was made of at its beginning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from analysis import rows
from infra.benchmarks.at_scale import large_study
from result_reading import read_curves, read_runs
from sweeps.cli import rerun

PAPER = str(Path(__file__).parents[2] / "docs" / "paper_study")
RUNS = 5760


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("large") / "study"
    large_study.make(PAPER, target, 2 * RUNS + 48)
    return target


def test_a_large_study_begins_with_the_stored_rows(large: Path) -> None:
    stored, made = read_runs(PAPER), read_runs(str(large))
    assert made.num_rows == 2 * RUNS + 48
    assert made.filter(pc.equal(made["seed"], 0)).equals(stored)
    assert pc.count_distinct(made["run_key"]).as_py() == made.num_rows


def test_further_runs_have_the_keys_of_their_seeds_and_other_values(large: Path) -> None:
    made = read_runs(str(large))
    further = made.filter(pc.equal(made["seed"], 1))
    for row in further.slice(0, 5).to_pylist():
        run, _ = rerun.find(str(large), row["run_key"])  # raises where the key is another's
        assert run.seed == 1
    order = [("configuration", "ascending"), ("algorithm", "ascending"), ("lam", "ascending")]
    before, after = (made.filter(pc.equal(made["seed"], seed)).sort_by(order) for seed in (0, 1))
    factors = np.log(after["mse_x"].to_numpy() / before["mse_x"].to_numpy())
    assert factors.std() == pytest.approx(large_study.NOISE, rel=0.1)
    assert set(after["modes_covered"].to_pylist()) <= {float(n) for n in range(6)}
    assert pc.max(after["inception_score"]).as_py() <= 5.0


def test_the_analysis_reads_a_large_study_with_all_its_curves(large: Path) -> None:
    study = rows.load(str(large))
    assert len(study.runs) == 2 * RUNS + 48
    assert len(study.curves) == 6 * len(study.runs)


def test_files_of_cohorts_hold_the_same_rows(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    large_study.make(PAPER, whole, 240)
    large_study.make(PAPER, parts, 240, by_cohort=True)
    assert read_runs(str(parts)).equals(read_runs(str(whole)))
    assert read_curves(str(parts)).equals(read_curves(str(whole)))
    for file in (parts / "runs").iterdir():
        assert set(pq.read_table(file)["cohort_key"].to_pylist()) == {file.stem}


def test_a_large_study_of_no_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rows must be >= 1, got 0"):
        large_study.make(PAPER, tmp_path / "none", 0)
