"""The stored rows of the paper's study, arriving in other orders: how early they decide it, and how often wrongly."""

from __future__ import annotations

from pathlib import Path

from analysis import rows
from analysis.calibration.early_looks import PLANS, replays
from sweeps.strategies.decided import looks
from sweeps.toy_robustness import STUDY

PAPER = str(Path(__file__).parents[1] / "docs" / "paper_study")


def test_plans_that_are_simulated_are_those_that_studies_have() -> None:
    assert {units: looks(units) for units in PLANS} == PLANS


def test_the_paper_study_ends_early_in_most_orders_and_with_the_verdicts_of_all_of_it() -> None:
    found = replays(rows.load(PAPER), looks(576), ("inception_score", "mse_x"), STUDY.asked.lambdas, 200)
    assert found.early >= 0.9  # 0.955
    assert found.wrong.mean() <= 0.05  # 0
    assert found.units.mean() < 288  # 239 of 576 configurations
