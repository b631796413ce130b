"""All pairs of systems: their family, their verdicts, and the groups that none of them divides."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.comparison import contests, families, paired
from analysis.comparison.contests import Contest, Standing
from analysis.comparison.rankings import Ranking
from analysis.comparison.verdicts import Family
from analysis.statistics.estimates import Interval
from tests.analysis.measures import INCEPTION, LOG_MSE

SYSTEMS = ("svae_r", "alice", "ali")


@pytest.fixture
def noisy(run, study):
    """Twenty configurations of two seeds; sVAE-r better than ALICE, better than ALI; some DIVERGED, infinite, missing."""
    rng = np.random.default_rng(0)
    runs = [
        run(
            a,
            i,
            lam,
            seed,
            inception_score=5 - k + 0.1 * rng.normal(),
            mse_x=0.1 * np.exp(0.1 * rng.normal()),
        )
        for k, a in enumerate(SYSTEMS)
        for lam in (0.1, 1.0)
        for i in range(20)
        for seed in range(2)
    ]
    runs[3] |= {"outcome": "DIVERGED", "inception_score": None, "mse_x": None}
    runs[100] |= {"inception_score": -math.inf}
    runs[170] |= {"outcome": "FAILED", "inception_score": None, "mse_x": None}
    return study(runs)


def test_every_pair_is_judged_as_by_itself_and_all_are_one_family(noisy):
    found = contests.compute(noisy)
    assert found.family.size == 3 * 2 * 2  # pairs × metrics × λ
    assert [(one.ranking.measure, one.ranking.lam) for one in found.standings] == [
        (measure, lam) for measure in (LOG_MSE, INCEPTION) for lam in (0.1, 1.0)
    ]
    for standing in found.standings:
        assert len(standing.contests) == 3
        for one in standing.contests:
            pairs = paired.match(noisy, one.first, one.second)
            assert one.verdict == paired.compare(pairs, one.lam, one.measure, found.family).verdict


def test_all_pairs_leave_the_family_of_published_ones_as_it_is(noisy):
    assert families.family_of(noisy).size == 2 * 2  # sVAE-r − ALICE at two λ by two metrics


def test_winners_and_losers_are_by_the_metrics_better_side(noisy):
    found = contests.compute(noisy)
    score = found.by(INCEPTION)[0]
    assert (score.wins, score.losses) == ({"svae_r": 2, "alice": 1}, {"alice": 1, "ali": 2})
    assert score.groups() == []
    mse = found.by(LOG_MSE)[0]  # which is noise
    assert (mse.wins, mse.losses) == ({}, {})
    assert mse.groups() == [list(mse.ranking.mean)]


def test_less_wins_where_less_is_better(run, study):
    runs = [
        run(a, i, mse_x=m * (1 + 0.01 * i))
        for i in range(12)
        for a, m in (("svae_r", 0.1), ("alice", 0.2), ("ali", 0.4))
    ]
    (found,) = contests.compute(study(runs)).by(LOG_MSE)
    assert found.losses == {"alice": 1, "ali": 2}


@pytest.mark.parametrize(
    ("differing", "expected"),
    [
        ([], ["abcde"]),
        (["ae"], ["abcd", "bcde"]),
        (["ac", "ad", "ae", "bd", "be", "ce"], ["ab", "bc", "cd", "de"]),
        (["ac"], ["ab", "bcde"]),  # a and d are not shown to differ, and c between them forbids a bar
        (["ab", "bc", "ac", "cd", "ce", "ad", "ae", "bd", "be"], ["de"]),
        (["ab", "ac", "ad", "ae", "bc", "bd", "be", "cd", "ce", "de"], []),
    ],
)
def test_groups_are_the_longest_runs_that_no_shown_difference_divides(differing, expected):
    shown = Family().judge(INCEPTION, np.linspace(0.9, 1.1, 12))
    mean = {name: Interval(i + 1.0, i + 1.0, i + 1.0) for i, name in enumerate("abcde")}
    ranking = Ranking(1.0, INCEPTION, tuple("abcde"), "seeds", 12, 0, mean)
    found = Standing(ranking, [Contest(1.0, INCEPTION, first, second, shown) for first, second in differing])
    assert ["".join(group) for group in found.groups()] == expected


def test_two_systems_have_no_standings_and_few_units_no_verdict(run, study):
    two = contests.compute(study([run(a, i) for a in SYSTEMS[:2] for i in range(12)]))
    assert (two.standings, two.family.size) == ([], 0)
    few = contests.compute(study([run(a, 0, seed=s) for a in SYSTEMS for s in range(4)]))
    assert few.family.size == 0
    assert [(one.contests, one.ranking.judged) for one in few.standings] == [([], False)] * 2


def test_a_system_that_diverged_everywhere_is_shown_worse_than_the_others(run, study):
    runs = [run(a, 0, seed=s, inception_score=4 + 0.01 * s) for a in SYSTEMS[:2] for s in range(9)]
    lost = {"outcome": "DIVERGED", "inception_score": None, "mse_x": None}
    runs += [run("ali", 0, seed=s, **lost) for s in range(9)]
    for one in contests.compute(study(runs)).standings:
        assert one.losses == {"ali": 2}  # p = 2 · 2⁻⁹ of the sign test, times six comparisons: 0.023
        assert one.ranking.mean["ali"].point == 3
