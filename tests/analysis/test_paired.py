"""Oracle tests of the paired comparison, above all of what happens to pairs with a DIVERGED side."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.comparison import paired
from analysis.comparison.families import compare_study, family_of
from analysis.comparison.verdicts import Family
from analysis.sections._paired_cells import difference_cells, divergence_cells, finding, worst_rank_cells
from tests.analysis.measures import INCEPTION, LOG_MSE, MSE


@pytest.fixture
def pairs_of(run, study):
    """Pairs from two lists, one per algorithm: a number is an inception score, None a DIVERGED run."""

    def build(first, second, seeds=1):
        runs = []
        for algorithm, scores in (("svae_r", first), ("alice", second)):
            for i, score in enumerate(scores):
                change = {"outcome": "DIVERGED"} if score is None else {"inception_score": score}
                runs.append(run(algorithm, i // seeds, seed=i % seeds, **change))
        return paired.match(study(runs), "svae_r", "alice")

    return build


@pytest.mark.parametrize(
    ("algorithms", "expected"),
    [
        (["alice", "svae_r", "ali"], ("svae_r", "alice")),
        (["ali", "svae"], ("svae", "ali")),
        (["wgan", "avb", "vae"], ("avb", "vae")),
        (["wgan", "aae"], ("wgan", "aae")),
        (["wgan", "aae", "infogan"], None),
        (["svae_r"], None),
    ],
)
def test_choose_pair_is_a_published_one_or_the_only_two(run, study, algorithms, expected):
    assert paired.choose_pair(study([run(a, 0) for a in algorithms])) == expected


def test_published_pairs_are_the_baselines_that_a_manifest_declares(run, study):
    rows = study([run(a, 0) for a in ("svae_r", "alice", "mine", "vae")])
    assert paired.published_pairs(rows) == [("svae_r", "alice")]  # of a study stored without baselines
    declared = replace(rows.manifest, baselines={"mine": ("vae", "alice", "absent")})
    assert paired.published_pairs(replace(rows, manifest=declared)) == [("mine", "vae"), ("mine", "alice")]


def test_match_pairs_equal_configuration_lambda_seed_and_data(run, study):
    runs = [
        run("svae_r", 1), run("alice", 1),
        run("svae_r", 2, lam=0.1), run("alice", 2, lam=1.0),
        run("svae_r", 3, seed=0), run("alice", 3, seed=1),
        run("svae_r", 4, data_version="v1"), run("alice", 4, data_version="v2"),
    ]  # fmt: skip
    found = paired.match(study(runs), "svae_r", "alice")
    assert found.table["configuration"].tolist() == [1]
    # At 0.1: the halves of 2, 3 (two) and 4 (two); at 1: the other half of 2.
    assert found.unmatched == {0.1: 5, 1.0: 1}


def test_match_leaves_failed_and_stopped_sides_unmatched(run, study):
    runs = [run("svae_r", i) for i in range(2)]
    runs += [run("alice", 0, outcome="FAILED"), run("alice", 1, outcome="STOPPED")]
    found = paired.match(study(runs), "svae_r", "alice")
    assert len(found.table) == 0
    assert found.unmatched == {0.1: 2}


def test_compare_gives_verdict_mean_and_share(pairs_of):
    # differences 0.5, 1.0, -0.25, 2.0: mean 3.25/4 = 0.8125, three of four better
    found = paired.compare(pairs_of([4.5, 4.0, 3.75, 4.0], [4.0, 3.0, 4.0, 2.0]), 0.1, INCEPTION)
    assert (found.pairs, found.configurations, found.diverged) == (4, 4, 0)
    assert found.mean.point == 0.8125
    assert (
        found.verdict.location.interval.point == found.mean.point
    )  # four are few: a mean, and no verdict on it
    assert math.isnan(found.verdict.location.interval.low)
    assert found.better_share == 0.75
    assert found.mean.low <= 0.8125 <= found.mean.high


def test_compare_leaves_out_and_counts_pairs_with_a_diverged_side(pairs_of):
    found = paired.compare(pairs_of([4.5, None, 4.0, None], [4.0, 3.0, None, None]), 0.1, INCEPTION)
    assert (found.pairs, found.diverged) == (1, 3)
    assert found.mean.point == 0.5
    # 0.5, −∞, ∞ and 0 of two that DIVERGED: the verdict has all of them
    assert (found.verdict.location.above, found.verdict.location.equal, found.verdict.location.below) == (
        2,
        1,
        1,
    )


def test_compare_averages_seeds_before_it_resamples(pairs_of):
    # configuration 0: differences 1 and 0 -> 0.5; configuration 1: 0.5 and 0.5 -> 0.5. Identical units: no width.
    found = paired.compare(pairs_of([4.0, 3.0, 3.5, 3.5], [3.0] * 4, seeds=2), 0.1, INCEPTION)
    assert (found.pairs, found.configurations) == (4, 2)
    assert (found.mean.point, found.mean.low, found.mean.high) == (0.5, 0.5, 0.5)
    assert found.better_share == 0.75


def test_compare_takes_smaller_as_better_for_mse_and_ratios_on_the_log_scale(run, study):
    # MSE 0.01 against 0.1 and 0.1 against 10: log10 differences -1 and -2
    runs = [run("svae_r", 0, mse_x=0.01), run("alice", 0, mse_x=0.1)]
    runs += [run("svae_r", 1, mse_x=0.1), run("alice", 1, mse_x=10.0)]
    pairs = paired.match(study(runs), "svae_r", "alice")
    found = paired.compare(pairs, 0.1, LOG_MSE)
    assert found.mean.point == pytest.approx(-1.5)
    assert found.better_share == 1.0
    # plain: -0.09 and -9.9
    assert paired.compare(pairs, 0.1, MSE).mean.point == pytest.approx(-4.995)


def test_compare_has_no_numbers_when_one_side_always_diverged(pairs_of):
    found = paired.compare(pairs_of([4.0, 4.5], [None, None]), 0.1, INCEPTION)
    assert found.pairs == 0
    assert found.diverged == 2
    assert math.isnan(found.mean.point)
    assert math.isnan(found.better_share)
    assert found.verdict.location.interval.point == math.inf
    assert found.worst_rank.wins == 2


def test_compare_has_no_numbers_when_the_rows_have_no_pair(pairs_of):
    found = paired.compare(pairs_of([4.0], []), 0.1, INCEPTION)
    assert (found.pairs, found.diverged, found.worst_rank.wins) == (0, 0, 0)


def test_worst_rank_counts_divergence_as_loss_and_two_as_tie(pairs_of):
    # win, loss (first diverged), win (second diverged), tie (both), loss (lower score)
    pairs = pairs_of([4.5, None, 4.0, None, 3.0], [4.0, 3.0, None, None, 3.5])
    found = paired.worst_rank(pairs.table, INCEPTION)
    assert (found.wins, found.ties, found.losses) == (2, 1, 2)


def test_a_system_that_never_has_a_metric_is_not_compared_in_it_when_it_diverges(run, study):
    runs = [run("alice", i) for i in range(3)]
    runs += [run("svae_r", 0, mse_x=None), run("svae_r", 1, outcome="DIVERGED"), run("svae_r", 2, mse_x=None)]
    pairs = paired.match(study(runs), "svae_r", "alice")
    assert len(paired.unit_differences(pairs.having(0.1, MSE), MSE)) == 0
    assert paired.unit_differences(pairs.having(0.1, INCEPTION), INCEPTION).tolist() == [0.0, -math.inf, 0.0]


def test_total_divergence_of_one_side_is_in_the_opening(run, study):
    rows = study(
        [run("svae_r", i) for i in range(8)] + [run("alice", i, outcome="DIVERGED") for i in range(8)]
    )
    found = compare_study(rows, family_of(rows))
    said = finding(found.pairs, [found.at(0.1, INCEPTION)], found.divergence_at(0.1))
    # Eight of eight: p = 2 / 2⁸, times two comparisons, 0.016.
    assert "inception score higher (median difference ∞ [∞, ∞], better in 8 of 8 configurations)" in said
    assert "0.0 % against 100.0 % DIVERGED" in said


def test_worst_rank_lets_a_net_divergence_outweigh_the_other_seeds(pairs_of):
    # three seeds of one configuration: two finite gains of +3.9 and one divergence of the first side: a loss; the
    # other configuration is a tie
    pairs = pairs_of([4.9, 4.9, None, 1.0, 1.0, 1.0], [1.0] * 6, seeds=3)
    found = paired.worst_rank(pairs.table, INCEPTION)
    assert (found.wins, found.ties, found.losses) == (0, 1, 1)


def test_divergence_is_mcnemars_exact_test(pairs_of):
    # 1 pair of the first alone, 5 of the second alone: p = 2 * (1 + 6) / 64 = 0.21875
    first = [None] + [4.0] * 5 + [None, 4.0]
    second = [4.0] + [None] * 5 + [None, 4.0]
    found = paired.divergence(pairs_of(first, second), 0.1)
    assert (found.neither, found.first_only, found.second_only, found.both) == (1, 1, 5, 1)
    assert found.p == pytest.approx(0.21875)


def test_divergence_p_is_one_when_no_pair_is_discordant(pairs_of):
    assert paired.divergence(pairs_of([4.0, None], [4.0, None]), 0.1).p == 1.0


def test_divergence_counts_a_configuration_once_whatever_its_seeds(pairs_of):
    # Three seeds each: the second side DIVERGED in all of one configuration, in none of the other: p of one, which is 1.
    found = paired.divergence(pairs_of([4.0] * 6, [None] * 3 + [4.0] * 3, seeds=3), 0.1)
    assert (found.second_only, found.p) == (3, 1.0)


def test_one_sided_gives_the_value_of_the_side_that_did_not_diverge(pairs_of):
    first_lost, second_lost = paired.one_sided(
        pairs_of([None, 4.5, None], [3.0, None, None]).table, INCEPTION
    )
    assert first_lost.tolist() == [3.0]
    assert second_lost.tolist() == [4.5]


def test_compare_study_is_none_when_there_is_one_algorithm(run, study):
    assert compare_study(study([run("svae_r", 0)]), Family()) is None


def test_finding_claims_a_direction_only_where_the_interval_excludes_zero(run, study):
    rng = np.random.default_rng(1)
    runs = []
    for i in range(30):
        score = 3 + rng.normal()
        runs.append(
            run("svae_r", i, inception_score=score + 0.5 + 0.1 * rng.normal(), mse_x=float(rng.lognormal()))
        )
        runs.append(run("alice", i, inception_score=score, mse_x=float(rng.lognormal())))
    found = compare_study(study(runs), Family(2))
    differences = [found.at(0.1, m) for m in (INCEPTION, LOG_MSE)]
    said = finding(found.pairs, differences, found.divergence_at(0.1))
    assert "inception score higher (median difference 0.5" in said
    assert "MSE undecided: 0." in said
    assert "0.0 % against 0.0 % DIVERGED" in said
    # The tables say what the sentence says.
    _, cells = difference_cells(found.pairs, differences)
    for line, difference in zip(cells, differences, strict=True):
        assert line[5:7] == [difference.verdict.estimate, difference.verdict.words]
        assert difference.verdict.estimate in said
        assert difference.verdict.words in said


def test_cells_are_as_many_as_their_header_when_there_is_no_pair(run, study):
    found = compare_study(study([run("svae_r", 0), run("alice", 1)]), Family())
    for header, cells in (
        difference_cells(found.pairs, found.differences),
        worst_rank_cells(found.pairs, found.differences),
        divergence_cells(found.pairs, found.divergences),
    ):
        assert {len(line) for line in cells} == {len(header)}
    assert "no pair" in finding(found.pairs, [found.at(0.1, INCEPTION)], found.divergence_at(0.1))


def test_of_one_configuration_the_unit_is_the_seed(run, study):
    # ALICE scores 4, sVAE-r 4.1, 4.2, …: five seeds of one configuration are five facts
    runs = [run("alice", 0, seed=s, inception_score=4.0) for s in range(5)]
    runs += [run("svae_r", 0, seed=s, inception_score=4.1 + 0.1 * s) for s in range(5)]
    found = paired.compare(paired.match(study(runs), "svae_r", "alice"), 0.1, INCEPTION)
    assert (found.pairs, found.configurations, found.unit) == (5, 5, "seeds")
    assert found.mean.point == pytest.approx(0.3)
    assert found.mean.low < 0.3 < found.mean.high
    assert (found.worst_rank.wins, found.worst_rank.losses) == (5, 0)
