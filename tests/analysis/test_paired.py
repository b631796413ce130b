"""Oracle tests of the paired comparison, above all of what happens to pairs with a DIVERGED side."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis import paired
from analysis.comparison import compare_study
from analysis.measures import INCEPTION, LOG_MSE, MSE
from analysis.paired_tables import difference_cells, divergence_cells, finding, worst_rank_cells


@pytest.fixture
def pairs_of(run, study):
    """Pairs from two lists, one per algorithm: a number is an inception score, None a DIVERGED run."""

    def build(first, second, seeds=1):
        runs = []
        for algorithm, scores in (("svae_r", first), ("alice", second)):
            for i, score in enumerate(scores):
                change = {"outcome": "DIVERGED"} if score is None else {"inception_score": score}
                runs.append(run(algorithm, i // seeds, seed=i % seeds, **change))
        return paired.match(study(runs).runs, "svae_r", "alice")

    return build


@pytest.mark.parametrize(
    ("algorithms", "expected"),
    [
        (["alice", "svae_r", "ali"], ("svae_r", "alice")),
        (["ali", "svae"], ("svae", "ali")),
        (["wgan", "avb", "vae"], ("avb", "vae")),
        (["wgan", "aae"], ("wgan", "aae")),
        (["svae_r"], None),
    ],
)
def test_choose_pair_prefers_the_published_comparison(algorithms, expected):
    assert paired.choose_pair(algorithms) == expected


def test_match_pairs_equal_configuration_lambda_seed_and_data(run, study):
    runs = [
        run("svae_r", 1), run("alice", 1),
        run("svae_r", 2, lam=0.1), run("alice", 2, lam=1.0),
        run("svae_r", 3, seed=0), run("alice", 3, seed=1),
        run("svae_r", 4, data_version="v1"), run("alice", 4, data_version="v2"),
    ]  # fmt: skip
    found = paired.match(study(runs).runs, "svae_r", "alice")
    assert found.table["configuration"].tolist() == [1]
    # At 0.1: the halves of 2, 3 (two) and 4 (two); at 1: the other half of 2.
    assert found.unmatched == {0.1: 5, 1.0: 1}


def test_match_leaves_failed_and_stopped_sides_unmatched(run, study):
    runs = [run("svae_r", i) for i in range(2)]
    runs += [run("alice", 0, outcome="FAILED"), run("alice", 1, outcome="STOPPED")]
    found = paired.match(study(runs).runs, "svae_r", "alice")
    assert len(found.table) == 0
    assert found.unmatched == {0.1: 2}


def test_compare_gives_median_mean_share_and_exact_p(pairs_of):
    # differences 0.5, 1.0, -0.25, 2.0: median 0.75, mean 3.25/4 = 0.8125, three of four better;
    # ranks of |d|: 0.25 0.5 1 2 -> the negative one has rank 1: W = 1, p = 2 * (1 + 1) / 16 = 0.25
    found = paired.compare(pairs_of([4.5, 4.0, 3.75, 4.0], [4.0, 3.0, 4.0, 2.0]), 0.1, INCEPTION)
    assert (found.pairs, found.configurations, found.diverged) == (4, 4, 0)
    assert found.median.point == 0.75
    assert found.mean.point == 0.8125
    assert found.better_share == 0.75
    assert found.signed_rank_p == pytest.approx(0.25)
    assert found.mean.low <= 0.8125 <= found.mean.high


def test_compare_leaves_out_and_counts_pairs_with_a_diverged_side(pairs_of):
    found = paired.compare(pairs_of([4.5, None, 4.0, None], [4.0, 3.0, None, None]), 0.1, INCEPTION)
    assert (found.pairs, found.diverged) == (1, 3)
    assert found.median.point == 0.5


def test_compare_averages_seeds_before_it_resamples(pairs_of):
    # configuration 0: differences 1 and 0 -> 0.5; configuration 1: 0.5 and 0.5 -> 0.5. Identical units: no width.
    found = paired.compare(pairs_of([4.0, 3.0, 3.5, 3.5], [3.0] * 4, seeds=2), 0.1, INCEPTION)
    assert (found.pairs, found.configurations) == (4, 2)
    assert (found.median.point, found.median.low, found.median.high) == (0.5, 0.5, 0.5)
    assert found.better_share == 0.75


def test_compare_takes_smaller_as_better_for_mse_and_ratios_on_the_log_scale(run, study):
    # MSE 0.01 against 0.1 and 0.1 against 10: log10 differences -1 and -2
    runs = [run("svae_r", 0, mse_x=0.01), run("alice", 0, mse_x=0.1)]
    runs += [run("svae_r", 1, mse_x=0.1), run("alice", 1, mse_x=10.0)]
    pairs = paired.match(study(runs).runs, "svae_r", "alice")
    found = paired.compare(pairs, 0.1, LOG_MSE)
    assert found.mean.point == pytest.approx(-1.5)
    assert found.better_share == 1.0
    # plain: -0.09 and -9.9
    assert paired.compare(pairs, 0.1, MSE).mean.point == pytest.approx(-4.995)


def test_compare_has_no_numbers_when_one_side_always_diverged(pairs_of):
    found = paired.compare(pairs_of([4.0, 4.5], [None, None]), 0.1, INCEPTION)
    assert found.pairs == 0
    assert found.diverged == 2
    assert math.isnan(found.median.point)
    assert math.isnan(found.better_share)
    assert found.worst_rank.wins == 2


def test_compare_has_no_numbers_when_the_rows_have_no_pair(pairs_of):
    found = paired.compare(pairs_of([4.0], []), 0.1, INCEPTION)
    assert (found.pairs, found.diverged, found.worst_rank.wins) == (0, 0, 0)


def test_worst_rank_counts_divergence_as_loss_and_two_as_tie(pairs_of):
    # win, loss (first diverged), win (second diverged), tie (both), loss (lower score)
    pairs = pairs_of([4.5, None, 4.0, None, 3.0], [4.0, 3.0, None, None, 3.5])
    found = paired.worst_rank(pairs.table, INCEPTION)
    assert (found.wins, found.ties, found.losses) == (2, 1, 2)
    assert found.sign_p == 1.0


def test_worst_rank_ranks_a_divergence_above_every_finite_difference(pairs_of):
    # gains +0.1 +0.2 +0.3 +0.4 and one DIVERGED first side: ranks 1..4 against 5, W = min(10, 5) = 5.
    # Subsets of {1..5} with sum <= 5: {} 1 2 3 4 5 12 13 14 23 = 10, so p = 2 * 10 / 32 = 0.625.
    pairs = pairs_of([4.1, 4.2, 4.3, 4.4, None], [4.0] * 5)
    assert paired.worst_rank(pairs.table, INCEPTION).signed_rank_p == pytest.approx(0.625)


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


def test_one_sided_gives_the_value_of_the_side_that_did_not_diverge(pairs_of):
    first_lost, second_lost = paired.one_sided(
        pairs_of([None, 4.5, None], [3.0, None, None]).table, INCEPTION
    )
    assert first_lost.tolist() == [3.0]
    assert second_lost.tolist() == [4.5]


def test_compare_study_is_none_when_there_is_one_algorithm(run, study):
    assert compare_study(study([run("svae_r", 0)])) is None


def test_finding_claims_a_direction_only_where_the_interval_excludes_zero(run, study):
    rng = np.random.default_rng(1)
    runs = []
    for i in range(30):
        score = 3 + rng.normal()
        runs.append(
            run("svae_r", i, inception_score=score + 0.5 + 0.1 * rng.normal(), mse_x=float(rng.lognormal()))
        )
        runs.append(run("alice", i, inception_score=score, mse_x=float(rng.lognormal())))
    found = compare_study(study(runs))
    said = finding(found.pairs, found.at(0.1, INCEPTION), found.at(0.1, LOG_MSE), found.divergence_at(0.1))
    assert "inception score higher" in said
    assert "MSE not shown to differ" in said
    assert "0.0 % against 0.0 % DIVERGED (McNemar p = 1.0)" in said


def test_cells_are_as_many_as_their_header_when_there_is_no_pair(run, study):
    found = compare_study(study([run("svae_r", 0), run("alice", 1)]))
    for header, cells in (
        difference_cells(found.pairs, found.differences),
        worst_rank_cells(found.pairs, found.differences),
        divergence_cells(found.pairs, found.divergences),
    ):
        assert {len(line) for line in cells} == {len(header)}
    said = finding(found.pairs, found.at(0.1, INCEPTION), found.at(0.1, LOG_MSE), found.divergence_at(0.1))
    assert "no pair" in said


def test_of_one_configuration_the_unit_is_the_seed(run, study):
    # ALICE scores 4, sVAE-r 4.1, 4.2, …: five seeds of one configuration are five facts
    runs = [run("alice", 0, seed=s, inception_score=4.0) for s in range(5)]
    runs += [run("svae_r", 0, seed=s, inception_score=4.1 + 0.1 * s) for s in range(5)]
    found = paired.compare(paired.match(study(runs).runs, "svae_r", "alice"), 0.1, INCEPTION)
    assert (found.pairs, found.configurations, found.unit) == (5, 5, "seeds")
    assert found.median.point == pytest.approx(0.3)
    assert found.median.low < 0.3 < found.median.high
    assert (found.worst_rank.wins, found.worst_rank.losses) == (5, 0)
