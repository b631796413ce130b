"""The summary and marginal tables, against numbers derived by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import pytest

from analysis.sections.summary import Summary
from analysis.statistics.marginals import marginals
from analysis.statistics.published import published_for, published_value, unlike
from analysis.statistics.summary import metric_cells, outcome_cells, summarise
from result_published import Published, Statement
from tests.analysis.made import made as section
from tests.analysis.measures import INCEPTION, MSE


@pytest.fixture
def mixed(run, study):
    """ALICE at λ = 1: scores 3, 4, 5, one DIVERGED, one FAILED, one STOPPED; sVAE-r: DIVERGED only."""
    run = partial(run, lam=1.0, data_version="mixture5-v1", budget=1600)
    runs = [run("alice", i, inception_score=s) for i, s in enumerate([3.0, 4.0, 5.0])]
    runs += [run("alice", 3 + i, outcome=o) for i, o in enumerate(["DIVERGED", "FAILED", "STOPPED"])]
    return study([*runs, run("svae_r", 0, outcome="DIVERGED")])


def test_summarise_counts_every_outcome_and_divides_by_results(mixed):
    alice = summarise(mixed).set_index("algorithm").loc["alice"]
    counts = [alice[name] for name in ("runs", "completed", "diverged", "stopped", "failed")]
    assert counts == [6, 3, 1, 1, 1]
    assert alice["diverged_share"] == 0.25  # 1 / (3 + 1)


def test_summarise_gives_median_spread_and_worst_rank_median(mixed):
    alice = summarise(mixed).set_index("algorithm").loc["alice"]
    assert alice["inception_score_n"] == 3  # the STOPPED run's 4.0 is not among them
    assert alice["inception_score_median"] == 4.0
    assert (alice["inception_score_q25"], alice["inception_score_q75"]) == (3.5, 4.5)
    assert (alice["inception_score_mean"], alice["inception_score_std"]) == (4.0, 1.0)
    assert alice["inception_score_median_worst_rank"] == 3.5  # -inf 3 4 5
    assert math.isnan(alice["inception_score_median_low"])  # of three configurations


def test_summarise_bounds_a_median_by_order_statistics_and_a_share_by_configurations(run, study):
    # All five of five: coverage 93.75 %. Two seeds that DIVERGED in each of two of four configurations are two facts.
    alone = study([run("alice", i, inception_score=s) for i, s in enumerate([3.0, 1.0, 2.0, 5.0, 4.0])])
    entry = summarise(alone).iloc[0]
    assert (entry["inception_score_median_low"], entry["inception_score_median_high"]) == (1.0, 5.0)
    outcomes = ["DIVERGED", "DIVERGED", "COMPLETED", "COMPLETED"]
    seeds = [run("alice", i, seed=s, outcome=o) for i, o in enumerate(outcomes) for s in range(2)]
    entry = summarise(study(seeds)).iloc[0]
    assert entry["diverged_share"] == 0.5
    assert entry["diverged_share_low"] < 0.150  # Wilson's of 2 in 4


def test_summarise_has_no_metrics_when_every_run_diverged(mixed):
    entry = summarise(mixed).set_index("algorithm").loc["svae_r"]
    assert entry["diverged_share"] == 1.0
    assert math.isnan(entry["mse_x_median"])
    assert entry["mse_x_median_worst_rank"] == math.inf


def test_summarise_counts_an_infinite_value_and_leaves_a_missing_one_out_of_its_metric_alone(run, study):
    values = (math.inf, 0.5, 0.3, None)
    entry = summarise(study([run("alice", i, mse_x=value) for i, value in enumerate(values)])).iloc[0]
    assert (entry["mse_x_n"], entry["inception_score_n"]) == (3, 4)
    assert (entry["mse_x_median"], entry["mse_x_mean"]) == (0.5, math.inf)
    assert (entry["mse_x_q25"], entry["mse_x_q75"]) == (0.3, math.inf)  # observed ones
    assert math.isnan(entry["mse_x_std"])


def test_summarise_puts_published_values_beside_the_runs_they_are_about(mixed):
    table = summarise(mixed).set_index("algorithm")
    assert table.loc["alice", "inception_score_published_mean"] == 4.595
    assert table.loc["alice", "mse_x_published_std"] == 0.029
    assert math.isnan(table.loc["svae_r", "inception_score_published_mean"])


def test_cells_show_published_digits_as_printed_and_words_for_infinity(mixed):
    header, cells = metric_cells(summarise(mixed), INCEPTION)
    assert all(len(line) == len(header) for line in cells)
    by_system = {line[1]: line for line in cells}
    assert by_system["ALICE"][-1] == "4.595 ± 0.604"
    assert by_system["sVAE-r"][5] == "DIVERGED"
    header, cells = outcome_cells(summarise(mixed))
    assert cells[0][:5] == ["1", "sVAE-r", "1", "0", "1"]


def test_published_values_belong_to_the_toy_study_alone(mixed):
    assert published_value(mixed, "alice", 1.0, MSE.column).value == 0.022
    assert published_value(mixed, "alice", 0.1, MSE.column) is None
    assert all(entry.source for entry in published_for(mixed))
    other = replace(mixed, manifest=replace(mixed.manifest, study="mnist"))
    assert (published_for(other), unlike(other)) == ((), "")


def test_published_values_do_not_stand_beside_other_data_fewer_iterations_or_what_a_sampler_chose(run, study):
    def made(name="toy_robustness", searched=False, **changes):
        found = study(
            [run("alice", 0, lam=1.0, **{"data_version": "mixture5-v1", "budget": 1600, **changes})], name
        )
        return replace(found, manifest=replace(found.manifest, searched=searched))

    for other, why in (
        (
            made("toy_robustness-digits", data_version="digits-binary-v2"),
            "are of mixture5, these runs of digits-binary-v2",
        ),
        (made(budget=300), "are of 1,600 iterations, these runs of 300"),
        (made("toy_robustness-search", searched=True), "are of a grid, and a sampler chose these runs"),
    ):
        assert (published_for(other), unlike(other)) == ((), why)
        assert why in section(Summary, other).body
        assert "4.595" not in section(Summary, other).body
    assert "4.595" in section(Summary, made()).body


def test_marginals_take_medians_per_level_and_count_divergence(run, study):
    # depth is 2 for even configurations and 3 for odd ones
    runs = [run("alice", i, inception_score=s) for i, s in ((0, 2.0), (2, 3.0), (1, 4.5))]
    runs += [run("alice", 3, outcome="DIVERGED"), run("alice", 5, outcome="FAILED")]
    found = marginals(study(runs), 0.1)
    depth = found[found["hyper_parameter"] == "depth"].set_index("level")
    assert depth.loc["2", "inception_score"] == 2.5
    assert depth.loc["3", "inception_score"] == 4.5
    assert (depth.loc["3", "results"], depth.loc["3", "diverged"]) == (2, 1)


def test_marginals_cut_a_searched_parameter_at_its_quartiles(run, study):
    runs = [run("alice", i, learning_rate=float(i)) for i in range(20)]
    found = marginals(study(runs), 0.1)
    rates = found[found["hyper_parameter"] == "learning_rate"]
    # quartiles of 0..19: 4.75, 9.5, 14.25, so five runs in each part
    assert rates["level"].tolist() == ["0 to 4.75", "4.75 to 9.5", "9.5 to 14.2", "14.2 to 19"]
    assert rates["results"].tolist() == [5, 5, 5, 5]


def test_levels_that_print_alike_are_told_apart(run, study):
    runs = [run("alice", i, learning_rate=rate, inception_score=score)
            for i, (rate, score) in enumerate([(1e-4, 2.0), (1.00000001e-4, 4.0)] * 8)]  # fmt: skip
    rates = marginals(study(runs), 0.1).query("hyper_parameter == 'learning_rate'").set_index("level")
    assert rates["inception_score"].to_dict() == {"0.0001": 2.0, "0.000100000001": 4.0}
    assert rates["results"].tolist() == [8, 8]


def test_ranges_of_levels_that_print_alike_are_told_apart(run, study):
    runs = [run("alice", i, learning_rate=1 + 1e-6 * i) for i in range(20)]
    rates = marginals(study(runs), 0.1).query("hyper_parameter == 'learning_rate'")
    assert rates["level"].nunique() == 4
    assert rates["results"].tolist() == [5, 5, 5, 5]


def test_published_values_of_a_manifest_stand_beside_its_runs_whatever_the_study_is_called(run, study):
    mine = Published(
        "rings-v1", 500, (Statement("mine", "3.25 ± 0.5", "mine 2026", 0.1, "inception_score", 3.25, 0.5),)
    )
    rows = study([run("mine", 0, lam=0.1, data_version="rings-v2", budget=500)], "whatever")
    rows = replace(rows, manifest=replace(rows.manifest, published=mine))
    assert summarise(rows).iloc[0]["inception_score_published_mean"] == 3.25
    assert "mine 2026" in section(Summary, rows).body
    other = replace(rows, runs=rows.runs.assign(data_version="grid-v1"))
    assert unlike(other) == "are of rings, these runs of grid-v1"
    none = replace(rows, manifest=replace(rows.manifest, study="toy_robustness", published=Published()))
    assert "No published figures are recorded" in section(Summary, none).body
