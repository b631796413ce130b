"""States of a metric, from the smallest studies in which one was taken for another."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis import states
from analysis.comparison import paired
from analysis.comparison.families import compare_study
from analysis.comparison.trends import by_lambda, good_range
from analysis.comparison.verdicts import Family
from analysis.importance.best_of_k import budget_curve
from analysis.importance.effects import effects
from analysis.sections._exemplars import exemplars
from analysis.sections._lambda_figures import lambda_figure, plane_figure
from analysis.sections._paired_cells import difference_cells
from analysis.sections.all_systems import cells_of
from analysis.sections.along_lambda import fronts
from analysis.sections.best_of_k import BestOfK
from analysis.sections.effects import Effects
from analysis.sections.likelihoods import cells_of as likelihood_cells
from analysis.sections.likelihoods import paired_cells
from analysis.sections.opening import notes
from analysis.sections.paired import findings
from analysis.statistics.histograms import histograms
from analysis.statistics.learning_curves import learning_curve
from analysis.statistics.summary import metric_cells, summarise
from result_schema import FURTHER_METRICS, METRICS
from tests.analysis.made import made
from tests.analysis.measures import INCEPTION, KL_Z, MSE, ON_MODE


@pytest.fixture
def zoo(run, study):
    """Sixteen configurations of sVAE-r, ALICE and a GAN, which has no MSE and DIVERGED in three of them."""
    runs = [
        run(a, i, mse_x=0.1 + 0.01 * i, inception_score=4 + 0.01 * i)
        for a in ("svae_r", "alice")
        for i in range(16)
    ]
    runs += [run("gan", i, mse_x=None, outcome="DIVERGED" if i < 3 else "COMPLETED") for i in range(16)]
    return study(runs)


def test_states_are_four(run, study):
    runs = [run("alice", 0, mse_x=0.5), run("alice", 1, mse_x=math.inf), run("alice", 2, outcome="DIVERGED")]
    runs += [
        run("alice", 3, mse_x=None),
        run("alice", 4, outcome="FAILED"),
        run("alice", 5, outcome="STOPPED", mse_x=0.4),
    ]
    runs += [run("gan", 0, mse_x=None), run("gan", 1, outcome="DIVERGED")]
    table = study(runs).runs
    having = states.systems_with(table, "mse_x")
    assert having == {"alice"}
    nan, inf = math.nan, math.inf
    np.testing.assert_array_equal(states.ranked(table, MSE, having), [0.5, inf, inf, nan, nan, nan, nan, nan])
    np.testing.assert_array_equal(states.values(table, MSE), [0.5, inf, nan, nan, nan, nan, nan, nan])
    assert (states.infinite(table, "mse_x"), states.missing(table, "mse_x")) == (1, 1)
    better_infinite = study([run("alice", 0, inception_score=math.inf)]).runs
    assert states.values(better_infinite, INCEPTION).tolist() == [-inf]  # no number is no success


@pytest.mark.parametrize(
    ("alice", "gan", "having"),
    [
        ({}, {"mse_x": None}, {"alice"}),
        ({}, {"outcome": "DIVERGED"}, {"alice", "gan"}),  # its rows do not say: total divergence is no excuse
        ({"outcome": "DIVERGED"}, {"outcome": "DIVERGED"}, {"alice", "gan"}),
        ({"mse_x": None}, {"outcome": "DIVERGED"}, set()),  # nobody who ended has it
        ({"outcome": "STOPPED"}, {"mse_x": math.inf}, {"alice", "gan"}),
    ],
)
def test_a_system_has_a_metric_that_one_of_its_rows_has(run, study, alice, gan, having):
    assert (
        states.systems_with(study([run("alice", 0, **alice), run("gan", 0, **gan)]).runs, "mse_x") == having
    )


def test_a_system_without_mse_is_not_worst_in_it_where_it_diverged(zoo):
    histogram = histograms(zoo, MSE).counts["gan", 0.1]
    assert (histogram.total, histogram.diverged, histogram.apart_share) == (0, 0, 0)
    summary = summarise(zoo).set_index("algorithm")
    assert math.isnan(summary.loc["gan", "mse_x_median_worst_rank"])
    assert {line[1]: line[5] for line in metric_cells(summarise(zoo), MSE)[1]}["GAN"] == "–"
    assert budget_curve(zoo, "gan", 0.1, MSE) is None
    assert by_lambda(zoo, "gan", MSE).empty
    assert not len(learning_curve(zoo, "gan", 0.1, MSE).iterations)
    ps = {e.term: e.p for e in effects(zoo.runs, ["algorithm"], MSE)}
    assert ps["algorithm",] > 0.99  # sVAE-r and ALICE are equal
    pairs = paired.match(zoo, "gan", "alice")
    ranks = paired.compare(pairs, 0.1, MSE).worst_rank
    assert (ranks.wins, ranks.ties, ranks.losses) == (0, 0, 0)
    assert histograms(zoo, INCEPTION).counts["gan", 0.1].diverged == 3  # of the score it is


def test_a_data_set_without_a_score_is_not_called_diverged(run, study):
    runs = [run(a, i, inception_score=None) for a in ("svae_r", "alice") for i in range(3)]
    rows = study(runs)
    (said,) = findings(rows, compare_study(rows, Family()), [0.1])
    assert "inception score" not in said
    assert "MSE undecided" in said
    rows = study([one | dict.fromkeys(METRICS) for one in runs])
    (said,) = findings(rows, compare_study(rows, Family()), [0.1])
    assert "no pair with a value of both in a metric that both have" in said
    assert "Of 3 pairs 0.0 % against 0.0 % DIVERGED" in said


def test_survivors_are_not_the_best_system(run, study):
    runs = [run(a, i, inception_score=4.54) for a in ("svae_r", "alice") for i in range(8)]
    runs += [run("x", i, inception_score=4.99, outcome="DIVERGED" if i else "COMPLETED") for i in range(8)]
    runs += [run("y", i, inception_score=None) for i in range(8)]
    assert [line[1] for line in cells_of(study(runs))[1]] == ["sVAE-r", "ALICE", "x", "y"]


def test_survivors_are_not_on_the_front_nor_in_the_panels(run, study):
    runs = [run("alice", i, lam, mse_x=m, inception_score=s)
            for i in range(8) for lam, m, s in ((0.1, 0.5, 4.5), (1.0, 0.1, 4.4))]  # fmt: skip
    runs += [
        run("alice", i, 10.0, mse_x=0.001, inception_score=4.9, outcome="DIVERGED" if i else "COMPLETED")
        for i in range(8)
    ]
    summary = summarise(study(runs))
    assert fronts(summary, MSE, INCEPTION) == {"alice": [0.1, 1.0]}
    for panel in lambda_figure(summary, (MSE, INCEPTION), {"alice": "red"}).axes[:2]:
        assert np.isnan(panel.lines[1].get_ydata()).tolist() == [False, False, True]
    plane = plane_figure(summary, fronts(summary, MSE, INCEPTION), MSE, INCEPTION, {"alice": "red"}).axes[0]
    assert np.isnan(plane.lines[0].get_ydata()).tolist() == [False, False, True]


@pytest.fixture
def collapsed(run, study):
    """One configuration and six seeds: AVB has an infinite KL in `count` of them, 0.145 elsewhere, VAE 0.325."""

    def build(count):
        others = dict.fromkeys(FURTHER_METRICS, math.nan)
        runs = [run("vae", 0, seed=s, **others | {"kl_z": 0.325}) for s in range(6)]
        runs += [
            run("avb", 0, seed=s, **others | {"kl_z": math.inf if s < count else 0.145}) for s in range(6)
        ]
        return study(runs)

    return build


@pytest.mark.parametrize(
    ("count", "span", "bounds"),
    [(4, "0.1450 – ∞", "∞ [−0.1800, ∞]"), (6, "∞ – ∞", "∞ [∞, ∞]")],
)
def test_an_infinite_divergence_is_worst_and_counted(collapsed, count, span, bounds):
    rows = collapsed(count)
    lines = {line[1]: line for line in likelihood_cells(rows)[1] if line[2] == KL_Z.label}
    assert lines["AVB"][3:7] == ["6", "∞", "–", span]
    (pair,) = [line for line in paired_cells(rows, Family())[1] if line[2] == KL_Z.label]
    assert pair[3:] == ["6", "median, 6 seeds", bounds, "–", f"{6 - count} of 6"]
    ranks = paired.compare(paired.match(rows, "avb", "vae"), 0.1, KL_Z).worst_rank
    assert (ranks.wins, ranks.ties, ranks.losses) == (6 - count, 0, count)
    assert f"{count} COMPLETED runs with an infinite kl_z: worse than every finite one." in notes(
        rows, rows.lambdas
    )
    assert exemplars(rows, "avb", 0.1, KL_Z)[-1].run["kl_z"] == math.inf


def test_two_infinite_sides_are_equal(run, study):
    runs = [run(a, i, mse_x=math.inf) for a in ("svae_r", "alice") for i in range(2)]
    found = paired.compare(paired.match(study(runs), "svae_r", "alice"), 0.1, MSE)
    assert (found.pairs, found.mean.point, found.worst_rank.ties) == (2, 0.0, 2)


def test_units_stay_configurations_where_part_of_them_diverged(run, study):
    runs = [run("alice", i, seed=s, inception_score=3.0) for i in range(2) for s in range(3)]
    runs += [run("svae_r", i, seed=s, inception_score=4.0, outcome="DIVERGED" if i else "COMPLETED")
             for i in range(2) for s in range(3)]  # fmt: skip
    found = compare_study(study(runs), Family())
    (said,) = findings(study(runs), found, [0.1])
    assert "better in 1 of 2 configurations)" in said
    assert {(d.configurations, d.unit) for d in found.differences} == {(1, "configurations")}
    header, cells = difference_cells(found.pairs, found.differences)
    assert {line[header.index("estimate")].split(", ")[1] for line in cells} == {"2 configurations"}
    assert math.isnan(
        summarise(study(runs)).set_index("algorithm").loc["svae_r", "inception_score_median_low"]
    )


def test_a_table_of_seeds_says_so(run, study):
    found = compare_study(study([run(a, 0, seed=s) for a in ("svae_r", "alice") for s in range(5)]), Family())
    header, cells = difference_cells(found.pairs, found.differences)
    assert cells[0][header.index("estimate")] == "median, 5 seeds"  # all are equal: a mean has no test


def test_a_resample_in_which_everything_diverged_has_no_range(run, study):
    lambdas = (0.1, 1.0, 10.0)
    runs = [run("alice", i, lam, inception_score=5.0 - place, outcome="DIVERGED" if i < 4 else "COMPLETED")
            for i in range(9) for place, lam in enumerate(lambdas)]  # fmt: skip
    table = by_lambda(study(runs), "alice", INCEPTION).to_numpy(float)
    width = good_range(table, np.array(lambdas), +1, np.random.default_rng(0)).width
    assert (width.point, width.low, width.high) == (0.0, 0.0, 0.0)


def test_importance_is_shown_of_the_metrics_that_there_are_and_says_why_of_the_others(run, study):
    runs = [run(a, i, seed=s, mse_x=None, inception_score=4 + 0.1 * i + 0.01 * s, outcome="DIVERGED" if i == 1 else "COMPLETED")
            for a in ("gan", "wgan") for i in range(4) for s in range(3)]  # fmt: skip
    part = made(Effects, study(runs))
    assert "MSE" not in part.body  # the study is not about what no system has
    assert "All terms: inception score" in part.body
    assert "diverged most at" in part.body
    assert [drawing.name for drawing in part.drawings] == ["effects"]
    part = made(BestOfK, study(runs))
    assert len(part.drawings) == 1
    assert ('<td class="text">MSE' in part.body, "inception score" in part.body) == (False, True)


def test_importance_says_which_combinations_are_missing(run, study):
    runs = [run(a, i, lam, inception_score=4 + 0.1 * i + lam, mse_x=0.1 * i + lam) for a in ("svae_r", "alice") for i in range(4)
            for lam in (0.1, 1.0) if (a, lam) != ("alice", 1.0)]  # fmt: skip
    part = made(Effects, study(runs))
    assert not part.drawings
    assert "the runs do not have every combination of λ and algorithm" in part.body
    assert "All terms: inception score at λ = 0.1<" in part.body  # where nothing is missing
    assert "What moves inception score at λ = 1 is not shown: the runs are too few" in part.body
    assert '<td class="text">residual</td>' in part.body


def test_best_of_k_of_many_systems_is_a_table_and_total_divergence_is_in_it(run, study):
    runs = [run(f"alg{a}", i, inception_score=4.0 + i) for a in range(7) for i in range(2)]
    runs += [run("lost", i, outcome="DIVERGED") for i in range(2)]
    part = made(BestOfK, study(runs))
    assert not part.drawings
    assert part.body.count("alg3") == 2
    assert part.body.count("<td>DIVERGED</td>") == 2  # k = 1 of both metrics; there are no four runs


def test_a_missing_value_is_in_no_pair(run, study):
    runs = [
        run(a, i, on_mode_share=None if a == "alice" and i else 0.5)
        for a in ("svae_r", "alice")
        for i in range(3)
    ]
    runs += [run("svae_r", 3), run("alice", 3, outcome="DIVERGED")]
    found = paired.compare(paired.match(study(runs), "svae_r", "alice"), 0.1, ON_MODE)
    assert (found.pairs, found.diverged, found.worst_rank.wins, found.worst_rank.ties) == (1, 1, 1, 1)
