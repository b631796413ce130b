"""The stored rows of the paper's study give the fragility that docs/reproduction.md tells of, to the printed digits."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from analysis import rows
from analysis.fragility import results
from analysis.fragility.results import Measured, Results, compute
from analysis.fragility.scale_free import Curves, at_levels, at_ratio, curves, volumes
from analysis.fragility.survival import ANY, failures
from analysis.rows import Rows
from analysis.statistics.estimates import Interval
from tests.analysis.measures import INCEPTION, LOG_MSE, ON_MODE

PAPER = str(Path(__file__).parents[1] / "docs" / "paper_study")
LAMBDAS = (0.0, 0.01, 0.1, 1.0, 10.0)
PAIR = ("svae_r", "alice")


@pytest.fixture(scope="module")
def study() -> Rows:
    return rows.load(PAPER)


@pytest.fixture(scope="module")
def seen(study: Rows) -> Results:
    """By the inception score, its best value being the best that the study has seen, 4.996."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "measures", lambda _: [INCEPTION])
        return compute(dataclasses.replace(study, manifest=dataclasses.replace(study.manifest, best={})))


@pytest.fixture(scope="module")
def along(study: Rows) -> Curves:
    return curves(study, *PAIR, INCEPTION)


@pytest.fixture(scope="module")
def on_modes(study: Rows) -> Curves:
    return curves(study, *PAIR, ON_MODE)


def at(seen: Results, lam: float) -> Measured:
    return next(m for m in seen.measured if not m.best and m.lams["alice"] == lam)


def close(found: Interval, point: float, low: float, high: float, digit: float, luck: float) -> bool:
    """The estimate to a printed digit, and the bounds within what another 2,000 resamples give."""
    near = [abs(found.low - low) <= luck, abs(found.high - high) <= luck]
    return abs(found.point - point) <= digit / 2 + 1e-9 and all(near)


NEAR = [(7.6, 4.5, 3.1, 1.4, 5.0), (23.4, 35.1, -11.6, -15.3, -8.0), (54.2, 55.9, -1.7, -5.4, 1.9),
        (55.0, 43.1, 12.0, 8.2, 15.8), (34.0, 22.0, 12.0, 8.5, 15.5)]  # fmt: skip
TAIL = [(1.00, 1.00, 0.0, 0.0, 0.0), (1.44, 1.63, -0.19, -0.34, -0.04), (3.94, 3.72, 0.22, 0.05, 0.41),
        (3.42, 2.83, 0.59, 0.36, 0.82), (2.57, 2.29, 0.28, 0.15, 0.40)]  # fmt: skip
WIDTH = [
    (0.59, 0.33, 0.87),
    (0.29, 0.16, 0.59),
    (0.0, -0.03, 0.04),
    (-0.32, -0.50, -0.19),
    (-0.55, -0.65, -0.39),
]
MIDDLE = [
    (0.17, 0.06, 0.28),
    (-0.51, -0.64, -0.39),
    (-0.01, -0.02, 0.0),
    (0.10, 0.06, 0.13),
    (0.47, 0.40, 0.55),
]
SAME = [
    (0.561, 0.521, 0.600),
    (0.370, 0.332, 0.410),
    (0.450, 0.410, 0.491),
    (0.635, 0.597, 0.674),
    (0.740, 0.703, 0.774),
]
RANDOM = [0.529, 0.407, 0.487, 0.591, 0.619]
BOTH = [(0.0, 0.0), (2.1, 11.1), (41.8, 55.6), (83.2, 69.6), (53.8, 37.0)]


@pytest.mark.parametrize("i", range(5))
def test_shares_worst_tenths_and_middles(seen: Results, i: int) -> None:
    found = at(seen, LAMBDAS[i]).found
    own, difference = [found.own[name] for name in PAIR], found.contrasts[0].difference
    assert [round(100 * one.near.point, 1) for one in own] == pytest.approx(NEAR[i][:2], abs=0.051)
    percent = Interval(*(100 * v for v in (difference.near.point, difference.near.low, difference.near.high)))
    assert close(percent, *NEAR[i][2:], digit=0.11, luck=0.5)
    assert [one.tail.point for one in own] == pytest.approx(TAIL[i][:2], abs=0.00501)
    assert close(difference.tail, *TAIL[i][2:], digit=0.0101, luck=0.025)
    assert close(difference.width, *WIDTH[i], digit=0.0101, luck=0.025)
    assert close(difference.middle, *MIDDLE[i], digit=0.0105, luck=0.015)  # 0.0949 is printed as 0.10


@pytest.mark.parametrize("i", range(5))
def test_probabilities_of_being_better(seen: Results, i: int) -> None:
    contrast = at(seen, LAMBDAS[i]).found.contrasts[0]
    assert (contrast.first, contrast.second) == PAIR
    assert close(contrast.same, *SAME[i], digit=0.00101, luck=0.005)
    assert contrast.random.point == pytest.approx(RANDOM[i], abs=0.0005)
    assert contrast.random.low < RANDOM[i] < contrast.random.high


@pytest.mark.parametrize("i", range(5))
def test_joint_target(seen: Results, i: int) -> None:
    met = next(m for m in seen.met if m.lams["alice"] == LAMBDAS[i])
    assert [100 * met.own[name].point for name in PAIR] == pytest.approx(BOTH[i], abs=0.05)


def test_joint_target_at_the_best_lambda_of_each_system(seen: Results) -> None:
    best = next(m for m in seen.met if m.best)
    assert dict(best.lams) == {"svae_r": 1.0, "alice": 1.0}
    difference = best.differences[PAIR]
    assert (round(100 * difference.point, 1), difference.low > 0.09, difference.high < 0.18) == (
        13.5,
        True,
        True,
    )


def test_known_best_possible_is_what_the_report_takes(study: Rows) -> None:
    # 5 for five classes, in place of the best seen: 4.75 and not 4.747 is what 5 % allow.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "measures", lambda _: [INCEPTION])
        found = at(compute(study), 1.0)
    assert found.closeness.possible
    assert [round(100 * found.found.own[name].near.point, 1) for name in PAIR] == [54.2, 42.7]


LEVELS = {0.003: (230, -0.001, None, 0.050, 0.018, 0.085), 0.01: (497, 0.020, (0.012, 0.031), 0.135, 0.101, 0.168),
          0.03: (550, 0.019, (0.009, 0.032), 0.142, 0.104, 0.179)}  # fmt: skip


def test_score_at_equal_mse(along: Curves) -> None:
    found = at_levels(along, INCEPTION)
    assert [one.level for one in found] == pytest.approx(list(LEVELS))
    for one, (count, median, bounds, mean, low, high) in zip(found, LEVELS.values(), strict=True):
        assert one.advantage.configurations == count
        assert one.advantage.median.point == pytest.approx(median, abs=0.0005)
        if bounds:
            assert (one.advantage.median.low, one.advantage.median.high) == pytest.approx(bounds, abs=0.0015)
        assert close(one.advantage.mean, mean, low, high, digit=0.00101, luck=0.004)
    assert 100 * found[1].advantage.better == pytest.approx(60.6, abs=0.05)


def test_hypervolume(along: Curves) -> None:
    volume = volumes(along, INCEPTION)
    assert volume is not None
    assert close(volume.advantage.mean, 0.172, 0.072, 0.271, digit=0.00101, luck=0.01)
    assert close(volume.advantage.median, 0.009, -0.048, 0.093, digit=0.00101, luck=0.01)
    assert volume.first == pytest.approx(18, abs=0.5)


# λ, multiple: difference of scores [bounds], ratio of MSE, difference of on-mode shares (at λ = 1 alone)
MATCHED = [
    (0.1, 1.0, (-0.006, -0.013, -0.001), 1.75, None),
    (0.1, 1.5, (-0.010, -0.018, -0.005), 1.31, None),
    (0.1, 2.0, (-0.013, -0.020, -0.008), 1.06, None),
    (1.0, 1.0, (0.030, 0.017, 0.042), 1.26, (0.011, 0.009, 0.015)),
    (1.0, 1.5, (0.003, -0.008, 0.009), 1.05, (0.000, -0.003, 0.003)),
    (1.0, 2.0, (-0.005, -0.015, 0.004), 0.90, (-0.008, -0.011, -0.005)),
]


@pytest.mark.parametrize(("lam", "multiple", "score", "mse", "on_mode"), MATCHED)
def test_matched_lambda(
    along: Curves,
    on_modes: Curves,
    lam: float,
    multiple: float,
    score: tuple[float, float, float],
    mse: float,
    on_mode: tuple[float, float, float] | None,
) -> None:
    found, ratio = (at_ratio(along, measure, lam, multiple, PAIR) for measure in (INCEPTION, LOG_MSE))
    assert found is not None
    assert ratio is not None
    assert found.configurations == 576
    assert close(found.median, *score, digit=0.00101, luck=0.0015)
    assert 10**ratio.median.point == pytest.approx(mse, abs=0.0055)
    if on_mode:
        own = at_ratio(on_modes, ON_MODE, lam, multiple, PAIR)
        assert own is not None
        assert close(own.median, *on_mode, digit=0.00101, luck=0.0015)


def test_the_order_of_the_rows_decides_nothing(study: Rows, along: Curves) -> None:
    shuffled = dataclasses.replace(study, runs=study.runs.sample(frac=1, random_state=0, ignore_index=True))
    again = curves(shuffled, *PAIR, INCEPTION)
    assert np.array_equal(again.gains[0], along.gains[0])
    assert at_levels(again, INCEPTION) == at_levels(along, INCEPTION)


def test_failures_are_as_printed(study: Rows) -> None:
    found = {(one.kind, *one.lams.values()): one for one in failures(study)}
    printed = {
        (ANY, 0.1, 0.1): (40.5, 30.0, 10.4), (ANY, 1.0, 1.0): (18.4, 34.9, -16.5), (ANY, 10.0, 10.0): (49.3, 68.8, -19.4),
        ("modes covered below 5", 0.1, 0.1): (16.7, 18.1, -1.4), ("MSE above 0.1", 0.1, 0.1): (37.5, 24.3, 13.2),
        ("inception score below 4", 1.0, 1.0): (8.0, 20.7, -12.7), (ANY, 1.0, 0.1): (18.4, 30.0, -11.6),
    }  # fmt: skip
    for place, shares in printed.items():
        one = found[place]
        of = [*(one.own[name].point for name in PAIR), one.differences[PAIR].point]
        assert [100 * share for share in of] == pytest.approx(shares, abs=0.05), place
