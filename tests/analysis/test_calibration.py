"""The simulations of intervals and verdicts, small, and the bounds that they are held to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.calibration import __main__ as calibration
from analysis.calibration.component_coverage import STANDARD, component_coverage
from analysis.calibration.error_rates import (
    NULLS,
    false_claims,
    false_contests,
    false_effects,
    false_verdicts,
)
from analysis.calibration.fragility_coverage import fragility_coverage
from analysis.calibration.importance_coverage import share_coverage, tuning_coverage
from analysis.calibration.interval_coverage import (
    POPULATIONS,
    clustered_coverage,
    location_coverage,
    range_coverage,
    ranking_coverage,
)
from analysis.calibration.survival_coverage import survival_coverage


@pytest.mark.parametrize("name", POPULATIONS)
def test_a_population_has_the_mean_and_median_that_it_says(name):
    one = POPULATIONS[name]
    values = one.draw(np.random.default_rng(0), (200_000,))
    assert np.median(values) == pytest.approx(one.median, abs=0.02)
    if name != "t(2)":  # whose mean has no standard error
        assert np.mean(values) == pytest.approx(one.mean, abs=0.02)


@pytest.mark.parametrize("name", NULLS)
def test_a_null_favours_neither_side(name):
    values = NULLS[name](np.random.default_rng(0), (10, 20_000))
    assert np.mean(values > 0) == pytest.approx(np.mean(values < 0), abs=0.01)


@pytest.mark.parametrize("name", STANDARD)
def test_a_standard_population_has_mean_0_and_variance_1(name):
    values = STANDARD[name](np.random.default_rng(0), (400_000,))
    assert np.mean(values) == pytest.approx(0, abs=0.01)
    assert np.var(values) == pytest.approx(1, abs=0.05)


def test_components_cover_of_normal_data():
    table = component_coverage(60, units=(5, 24))
    assert calibration.below_coverage(table, 60) == []
    assert set(table.index.get_level_values(0)) > {"sd of seeds", "reliability"}


def test_shares_and_gains_cover_of_normal_data():
    for simulate, units in ((share_coverage, (24,)), (tuning_coverage, (12,))):
        assert calibration.below_coverage(simulate(40, units=units), 40) == []


def test_intervals_cover_from_five_units_up():
    table = location_coverage(200, units=(3, 5, 12, 48))
    assert calibration.beyond_coverage(table, 200) == []
    assert np.isnan(
        table.loc[("median, order statistics", "normal"), 3]
    )  # no interval rather than a short one
    assert (
        table.loc[("mean, Student’s t", "two optima, 80 : 20"), 5] < 0.85
    )  # which no interval of a mean can know
    assert calibration.beyond_coverage(clustered_coverage(200, units=(5, 24)), 200) == []
    assert range_coverage(20, units=(12,)).iloc[0, 0] > 0.8
    ranks = ranking_coverage(200, units=(5, 24))
    assert calibration.below_coverage(ranks, 200) == []
    assert calibration.beyond_coverage(ranks[["no system" in data for _, data in ranks.index]], 200) == []


def test_intervals_of_fragility_cover_but_for_the_worst_tenth_of_a_system():
    table = fragility_coverage(60, units=(24, 48))
    of_shares = table[[name.startswith(("share", "P(", "interquartile")) for name, _ in table.index]]
    assert of_shares.to_numpy().min() > 0.92 - 3 * np.sqrt(0.08 * 0.92 / 60)
    worst = table.loc[[("mean of the worst tenth of two, paired", data) for data in ("normal", "t(2)")]]
    assert worst.to_numpy().min() > 0.92 - 3 * np.sqrt(0.08 * 0.92 / 60)


def test_bands_of_survival_curves_hold_them_whole():
    table = survival_coverage(60, units=(24,))
    assert calibration.below_coverage(table, 60) == []
    assert table.to_numpy().mean() > 0.92


def test_verdicts_claims_and_main_effects_are_hardly_ever_false():
    assert calibration.over(false_verdicts(60, units=(5, 12, 48)), 60) == []
    assert calibration.over(false_contests(60, units=(5, 12)), 60) == []
    assert calibration.over(false_claims(10, units=(6, 24)), 10) == []
    assert calibration.over(false_effects(30), 30) == []


def test_a_bound_that_is_not_kept_is_named():
    index = pd.MultiIndex.from_tuples(
        [("mean", "normal"), ("mean", "log-normal"), ("median", "t(2), in clusters")]
    )
    table = pd.DataFrame([[0.5, 0.95, 0.85], [0.5, 0.5, 0.5], [0.5, 0.95, 1.0]], index, [3, 5, 8])
    assert calibration.beyond_coverage(table, 1000) == [
        "mean, normal, 8: 0.850",
        "median, t(2), in clusters, 8: 1.000",
    ]
    assert calibration.over(table, 1000)[0] == "mean, normal, 3: 0.500"
    assert calibration.over(pd.DataFrame([[0.05, 0.06]], index[:1], [3, 5]), 1000) == []


def test_check_statistics_prints_its_tables_and_fails_where_a_bound_is_not_kept(monkeypatch, capsys):
    index = pd.MultiIndex.from_tuples([("mean", "normal")])
    for name, value in (
        ("location", 0.95),
        ("clustered", np.nan),
        ("range", 0.96),
        ("ranking", 0.95),
        ("fragility", 0.95),
        ("survival", 0.95),
        ("component", 0.96),
        ("share", 0.96),
        ("tuning", 0.99),
    ):
        monkeypatch.setattr(
            calibration, f"{name}_coverage", lambda _, v=value: pd.DataFrame([[v]], index, [5])
        )
    for name in ("verdicts", "looks", "contests", "claims", "effects"):
        monkeypatch.setattr(calibration, f"false_{name}", lambda _: pd.DataFrame([[0.04]], index, [5]))
    assert calibration.main(["--repetitions", "100"]) == 0
    said = capsys.readouterr().out
    assert "| mean | normal | 0.950 |" in said
    assert "| mean | normal | – |" in said
    assert said.endswith("Every bound is kept.\n")
    monkeypatch.setattr(calibration, "false_verdicts", lambda _: pd.DataFrame([[0.4]], index, [5]))
    assert calibration.main(["--repetitions", "100"]) == 1
    assert capsys.readouterr().out.endswith("Beyond its bound:\nmean, normal, 5: 0.400\n")
