"""Looks at a study that trains: exact levels, and verdicts that hold at all looks together."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from analysis.calibration.early_looks import PLANS, false_looks
from analysis.comparison.sequential import level, levels
from analysis.comparison.verdicts import Answer, Family
from analysis.statistics.estimates import sign_test_p
from tests.analysis.measures import INCEPTION


@pytest.mark.parametrize("looks", [(6, 9, 12), (8, 12), (12,), (3, 12)])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_levels_reject_a_true_median_as_seldom_as_every_sequence_of_signs_has_it(looks, alpha):
    rejected = 0
    for signs in itertools.product((0, 1), repeat=looks[-1]):
        counts = [sum(signs[:n]) for n in looks]
        ps = [sign_test_p(above, n - above) for above, n in zip(counts, looks, strict=True)]
        rejected += any(p <= at for p, at in zip(ps, levels(looks, alpha), strict=True))
    share = rejected / 2 ** looks[-1]
    assert share <= alpha
    # One sign more or less at the last look is all that is left unused.
    last = math.comb(looks[-1], looks[-1] // 2) / 2 ** looks[-1]
    assert share > alpha - 2 * last


def test_error_is_spent_in_proportion_to_units():
    found = levels((288, 576), 0.05)
    assert found[0] == pytest.approx(0.025, abs=0.006)
    assert found[1] < 0.05 / 1.2
    assert levels((576,), 0.05)[0] == pytest.approx(0.05, abs=0.01)  # the sign test has no p between


def test_level_between_looks_is_that_of_the_next_one_and_past_them_that_of_the_last():
    looks = (24, 48, 96)
    assert [level(looks, n, 0.05) for n in (1, 24, 25, 96, 500)] == [
        levels(looks, 0.05)[k] for k in (0, 0, 1, 2, 2)
    ]


def test_a_look_that_has_nothing_to_spend_gives_no_verdict_and_no_number_that_is_none():
    verdict = Family(20, looks=(12, 576), units=12).judge(INCEPTION, np.ones(12) + np.arange(12) / 100)
    assert verdict.answer is Answer.UNDECIDED
    assert verdict.p == 1.0


def test_family_without_looks_is_as_ever():
    family, values = Family(10), np.linspace(0.1, 1, 48)
    assert (family.level, family.times) == (pytest.approx(0.005), 10)
    assert family.judge(INCEPTION, values).p == min(1.0, 10 * 2.0**-47)


def test_p_and_interval_agree_at_every_look():
    rng = np.random.default_rng(0)
    for units in PLANS[48]:
        family = Family(4, looks=PLANS[48], units=units)
        for _ in range(50):
            verdict = family.judge(INCEPTION, rng.normal(0.5, 1, units))
            assert (verdict.p <= 0.05) == (verdict.answer is Answer.DIFFERS)


def test_verdicts_of_all_looks_together_are_hardly_ever_false():
    found = false_looks(60, plans=(48,))
    assert found.to_numpy().max() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 60)
