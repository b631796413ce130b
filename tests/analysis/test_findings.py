"""First words of a report: what was found and how sure that is, of rows whose every verdict is known by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from analysis.contents import found
from analysis.document.blocks import FINDING, NOTE, Heading, Text
from analysis.findings.base import at, over
from analysis.rows import load
from analysis.sections.base import Report
from analysis.sections.found import findings
from analysis.sections.verdicts import Verdicts
from tests.analysis.conftest import write_files
from tests.analysis.made import made

LAMBDAS = [0.0, 0.01, 0.1, 1.0, 10.0, 20.0]


@pytest.mark.parametrize(
    ("lambdas", "among", "words"),
    [
        ([1.0], [1.0], ""),
        ([0.1, 1.0], [0.1, 1.0], "at both λ"),
        (LAMBDAS, LAMBDAS, "at every λ"),
        ([0.0, 20.0], LAMBDAS, "at λ = 0 and 20"),
        (LAMBDAS[1:], LAMBDAS, "at the 5 λ from 0.01 to 20"),
        ([*LAMBDAS[:3], *LAMBDAS[4:]], LAMBDAS, "at 5 of 6 λ between 0 and 20"),
    ],
)
def test_lambdas_are_named_counted_or_a_range(lambdas, among, words):
    assert at(lambdas, among) == words


def test_the_lambdas_of_a_study_are_its_ends():
    assert [over([1.0]), over(LAMBDAS)] == ["at λ = 1", "at 6 λ from 0 to 20"]


def pair(run, units=12, first=None, second=None, lambdas=(0.1, 1.0)):
    """sVAE-r and ALICE: the scores 4 and 4, the MSE 0.2 and 0.1, but for what is said of either at λ = 1."""
    return [
        run(a, i, lam, **{"inception_score": 4.0, "mse_x": mse, **((own or {}) if lam == 1.0 else {})})
        for i in range(units)
        for lam in lambdas
        for a, mse, own in (("svae_r", 0.2, first), ("alice", 0.1, second))
    ]


def test_two_systems_are_told_by_metric_direction_size_and_lambda(run, study):
    told = findings(Report(study(pair(run, first={"inception_score": 4.5}))))
    assert told.sentences == [
        "sVAE-r against ALICE, over 12 configurations at 2 λ from 0.1 to 1: inception score better at λ = 1 (median difference "
        "0.500 [0.500, 0.500]), equivalent within 0.05 at λ = 0.1; MSE worse at both λ (median ratio "
        "2.00 [2.00, 2.00]).",
        "Of 24 pairs of runs 0.0 % of sVAE-r’s and 0.0 % of ALICE’s DIVERGED.",
    ]
    # Four comparisons; 12 of 12 on one side: p = 2 / 4096, times four.
    assert told.certainty[0] == (
        "All 4 intervals of this report’s verdicts hold together with 95 %, each being at 98.75 %; where better or worse is said, p × 4 is at "
        "most 0.0020."
    )
    assert "configurations like these, of one seed each" in told.certainty[1]
    assert told.certainty[2:] == ["No run DIVERGED."]


def test_sizes_are_the_least_and_the_largest_over_lambda(run, study):
    runs = [
        run(a, i, lam, inception_score=4.0 + gain * (a == "svae_r") * (1 + i / 1000))
        for i in range(12)
        for lam, gain in ((0.1, -0.2), (1.0, -0.4), (10.0, -0.3))
        for a in ("svae_r", "alice")
    ]
    (first, second) = findings(Report(study(runs))).sentences
    assert re.search(
        r"score worse at every λ \(median difference from −0\.201 \[.*\] at λ = 0\.1 to −0\.402 \[.*\] at λ = 1\)",
        first,
    )
    # The MSE falls nowhere, so that neither of them buys it with its score.
    assert second.startswith(
        "From λ = 0.1 to 10 ALICE does not trade generation for reconstruction (MSE ratio 1.00"
    )
    assert second.endswith("the claim that ALICE alone does so does not hold.")


def test_a_claim_that_holds_is_the_second_sentence(run, study):
    runs = [
        run(a, i, lam, mse_x=0.1 / (1 + place), inception_score=4.0 - 0.5 * place * (a == "alice"))
        for i in range(12)
        for place, lam in enumerate((0.1, 1.0, 10.0))
        for a in ("svae_r", "alice")
    ]
    (_, second) = findings(Report(study(runs))).sentences
    assert second == (
        "From λ = 0.1 to 10 ALICE trades generation for reconstruction (MSE ratio 0.333 [0.333, 0.333], inception score −1.00 [−1.00, −1.00]), "
        "and sVAE-r does not (MSE ratio 0.333 [0.333, 0.333], inception score 0 [0, 0]): the claim that ALICE alone does so holds."
    )


def test_units_too_few_for_so_many_comparisons_are_said_with_how_many_it_takes(run, study):
    def told(lambdas):
        runs = [
            run(a, i, lam / 1000, inception_score=4.0 + (a == "alice"))
            for i in range(12)
            for lam in range(1, lambdas + 1)
            for a in ("svae_r", "alice")
        ]
        return findings(Report(study(runs)))

    # Of 12 on one side p is 2 / 4096, which a family of 102 multiplies to 0.0498 and one of 104 to 0.0508.
    assert "inception score worse at every λ" in told(51).sentences[0]
    many = told(52)
    assert "inception score undecided at every λ" in many.sentences[0]
    assert any(
        text.endswith("by medians over 12 configurations: it takes 13 or more.") for text in many.certainty
    )


def test_a_verdict_that_hangs_on_divergences_is_named(run, study):
    # Twelve of ALICE's runs DIVERGED, in twelve others both are alike: better in 12 of 12, and equivalent without them.
    runs = pair(run, 24, lambdas=(1.0,))
    for one in [one for one in runs if one["algorithm"] == "alice"][:12]:
        one.update(run("alice", one["configuration"], 1.0, outcome="DIVERGED"))
    told = findings(Report(study(runs)))
    assert "inception score better (median difference" in told.sentences[0]
    # sVAE-r has twice the MSE where both COMPLETED, and is the better one where ALICE DIVERGED: 12 against 12.
    assert "MSE undecided" in told.sentences[0]
    assert told.sentences[1] == "Of 24 pairs of runs 0.0 % of sVAE-r’s and 50.0 % of ALICE’s DIVERGED."
    assert told.certainty[-1] == (
        "12 of 48 runs DIVERGED, and count as worse than any value. Left out, they change inception score at λ = 1, MSE at λ = 1."
    )


def test_a_divergence_that_decides_nothing_is_said_to_change_nothing(run, study):
    runs = pair(run, 24, first={"inception_score": 4.5}, lambdas=(1.0,))
    runs[1] = run("alice", 0, 1.0, outcome="DIVERGED")
    told = findings(Report(study(runs)))
    assert told.certainty[-1].endswith("Left out, they change none of these verdicts.")


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (4, "what is said to be better or worse would still be shown"),
        (9, "no longer be shown of inception score at λ = 1"),
    ],
)
def test_pairs_to_come_are_taken_at_their_worst(run, study, missing, words):
    # 20 of 24 above: p = 0.0015; 15 of 24: p = 0.31.
    runs = pair(run, 24, first={"inception_score": 4.5, "mse_x": 0.1}, lambdas=(1.0,))
    runs = [one for one in runs if one["algorithm"] == "svae_r" or one["configuration"] >= missing]
    told = findings(Report(study(runs)))
    assert any(
        text.startswith(f"{missing} pairs wait for a side") and words in text for text in told.certainty
    )
    assert any("further test" in text for text in told.certainty)


def test_of_several_seeds_a_pair_to_come_takes_its_configuration_with_it(run, study):
    runs = [
        run(a, i, 1.0, seed, inception_score=4.0 + 0.5 * (a == "svae_r"))
        for i in range(14)
        for seed in (0, 1)
        for a in ("svae_r", "alice")
    ]
    # Seven of 14 configurations lack a pair: seven against seven.
    runs = [
        one
        for one in runs
        if not (one["algorithm"] == "alice" and one["seed"] == 1 and one["configuration"] < 7)
    ]
    told = findings(Report(study(runs)))
    assert any("no longer be shown of inception score" in text for text in told.certainty)
    assert any("over whose 2 seeds results are averaged first" in text for text in told.certainty)


def systems(run, scores, units=12, lam=0.1):
    return [
        run(a, i, lam, inception_score=s + 0.01 * i, mse_x=None, mse_z=None)
        for a, s in scores.items()
        for i in range(units)
    ]


def test_of_many_systems_the_first_is_named_and_pairs_that_differ_are_counted(run, study):
    told = findings(Report(study(systems(run, {"svae_r": 4.0, "alice": 3.0, "ali": 4.0, "gan": 4.5}))))
    assert told.sentences[0].startswith(
        "Of 4 systems, compared over 12 configurations at λ = 0.1, the best mean rank by inception score is GAN’s (1.00 ["
    )
    # sVAE-r and ALI are equal; the five other pairs differ, and GAN from all three.
    assert (
        told.sentences[1]
        == "Shown to differ are 5 of 6 pairs by inception score, GAN being better than 3 of 3 others."
    )
    assert "one exploratory family of 6" in told.certainty[0]
    assert "equivalent within the smallest difference of interest: 1; undecided: 0." in told.certainty[0]


def test_of_many_systems_who_is_first_may_change_with_lambda(run, study):
    runs = systems(run, {"svae_r": 4.0, "alice": 3.0, "ali": 2.0}, lam=0.1)
    runs += systems(run, {"svae_r": 3.0, "alice": 4.0, "ali": 2.0}, lam=1.0)
    runs += systems(run, {"svae_r": 3.0, "alice": 4.0, "ali": 2.0}, lam=10.0)
    first, second = findings(Report(study(runs))).sentences
    assert re.search(
        r"is ALICE’s at λ = 1 and 10 \(1\.00 \[.*\]\) and sVAE-r’s at λ = 0\.1 \(1\.00 \[.*\]\)\.$", first
    )
    assert second == "Shown to differ, each λ by itself, are 9 of 9 pairs by inception score."


def test_systems_of_which_no_configuration_has_all_are_compared_in_pairs_and_not_ranked(run, study):
    places = {"svae_r": range(12), "alice": range(6, 18), "ali": range(12, 24)}
    runs = [
        run(a, i, inception_score=3.0 + k + 0.01 * (i * (k + 1) % 5), mse_x=None)
        for k, (a, own) in enumerate(places.items())
        for i in own
    ]
    told = findings(Report(study(runs)))
    assert told.sentences[0] == (
        "Of 3 systems, compared over 6 configurations at λ = 0.1, none is ranked by inception score, since no configuration has a result of all."
    )
    assert told.sentences[1] == "Shown to differ are 2 of 2 pairs by inception score."


def test_a_metric_that_is_judged_but_not_of_the_headline_tells_nothing(run, study):
    rows = study([run(a, i) for a in ("svae_r", "alice") for i in range(6)])
    rows = replace(rows, manifest=replace(rows.manifest, headline=("on_mode_share",)))
    assert (
        findings(Report(rows))
        .sentences[1]
        .endswith("the study declares none of on-mode share (Study.smallest_differences).")
    )


def test_systems_without_the_metric_and_results_in_no_rank_are_counted(run, study):
    runs = systems(run, {"svae_r": 4.0, "alice": 3.0, "ali": 2.0}) + [
        run("vae", i, inception_score=None, mse_x=0.1) for i in range(12)
    ]
    del runs[0]
    told = findings(Report(study(runs)))
    assert "by inception score, which 3 of them have, is sVAE-r’s" in told.sentences[0]
    assert told.certainty[-1].startswith("1 result of a configuration and seed")


def test_one_system_is_told_by_divergence_and_its_best_and_worst_lambda(run, study):
    runs = [run("alice", i, lam, inception_score=3.0 + lam + i / 100) for i in range(9) for lam in (0.1, 1.0)]
    runs[0] = run("alice", 0, 0.1, outcome="DIVERGED")
    told = findings(Report(study(runs)))
    assert re.fullmatch(
        r"5\.6 % \[.*\] of ALICE’s 18 runs, of 9 configurations at 2 λ from 0\.1 to 1, DIVERGED\.",
        told.sentences[0],
    )
    # At λ = 0.1 eight values 3.11 … 3.18 and one DIVERGED: the fifth from the top of nine.
    assert re.search(
        r"The median inception score is 4\.04 \[.*\] at best, at λ = 1, and 3\.14 \[.*\] at worst, at λ = 0\.1; the median MSE is 0\.100",
        told.sentences[1],
    )
    assert told.certainty[0].startswith("One system is compared with none")


def test_one_run_is_told_without_an_interval(run, study):
    told = findings(Report(study([run("alice", 0)])))
    assert told.sentences[1] == "The median inception score is 4.00; the median MSE is 0.100."
    assert "those of medians from 5 seeds up" in told.certainty[1]


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([("svae_r", 0), ("alice", 0), ("alice", 1)],
         "A verdict takes results of both sVAE-r and ALICE on 5 configurations, and there are 1; 1 pair waits for a side"),
        ([("a", 0), ("b", 0), ("c", 1)], "A verdict takes results of two systems on the same 5 configurations, and no two of the 3 have them."),
    ],
)  # fmt: skip
def test_where_nothing_can_be_told_what_is_missing_is_said(run, study, runs, words):
    told = findings(Report(study([run(a, i) for a, i in runs])))
    assert told.sentences[0] == "Nothing can be told yet of which system is better."
    assert told.sentences[1].startswith(words)
    assert told.certainty == []


def test_runs_without_a_result_or_a_difference_of_interest_are_said_to_tell_nothing(run, study):
    failed = findings(
        Report(study([run(a, i, outcome="FAILED") for a in ("svae_r", "alice") for i in range(2)]))
    )
    assert (
        " ".join(failed.sentences)
        == "Nothing can be told yet. It takes a result, and of 4 runs none COMPLETED or DIVERGED."
    )
    lacking = dict.fromkeys(("mse_x", "mse_z", "inception_score", "modes_covered"))
    nowhere = findings(Report(study([run(a, i, **lacking) for a in ("svae_r", "alice") for i in range(6)])))
    assert nowhere.sentences[1].endswith(
        "and the study declares none of on-mode share (Study.smallest_differences)."
    )


def test_a_search_tells_the_best_of_each_system_and_judges_none(run, study):
    rows = study(
        [
            run(a, i, mse_x=m, inception_score=3.0 + i)
            for a, m in (("svae_r", 0.2), ("alice", 0.1))
            for i in range(12)
        ]
    )
    rows = replace(rows, manifest=replace(rows.manifest, searched=True), sampler="tpe for mse_x, seed 0")
    told = findings(Report(rows))
    assert told.sentences[0] == (
        "Of 24 runs that tpe for mse_x, seed 0 chose, the best inception score is 14.0 by sVAE-r (λ = 0.1) and 14.0 by ALICE (λ = 0.1); the best "
        "MSE is 0.100 by ALICE (λ = 0.1) and 0.200 by sVAE-r (λ = 0.1)."
    )
    assert "is not judged" in told.sentences[1]


def test_medians_that_are_divergences_have_words(run, study):
    runs = [run("alice", i, outcome="DIVERGED" if i < 5 else "COMPLETED") for i in range(8)]
    assert (
        findings(Report(study(runs))).sentences[1]
        == "The median inception score is DIVERGED; the median MSE is DIVERGED."
    )
    assert "nan" not in " ".join(findings(Report(study([run("alice", 0, outcome="DIVERGED")]))).sentences)


@pytest.fixture
def top(run, tmp_path):
    """Blocks at the top of a report, and its verdicts' section."""
    runs = pair(run, first={"inception_score": 4.5})
    where = str(write_files(tmp_path / "toy", [*runs, run("alice", 0, 10.0, budget=600)]))
    report = Report(load(where))
    return [block for section in found() for block in section.opening(report)], made(
        Verdicts, report.study
    ).body


def test_the_top_of_a_report_is_found_how_sure_what_was_run_and_notes(top):
    blocks, _ = top
    titles = [block.words for block in blocks if isinstance(block, Heading)]
    assert titles == ["What was found", "How sure that is", "What was run", "Notes"]
    assert isinstance(blocks[1], Text)
    assert blocks[1].kind == FINDING
    assert [block.kind for block in blocks if isinstance(block, Text)] == [FINDING, "", NOTE]


def test_every_interval_at_the_top_stands_in_the_table_of_verdicts(top):
    blocks, verdicts = top
    told = re.findall(r"[−\d.]+ \[[^\]]*\]", blocks[1].words)
    assert told == ["0.500 [0.500, 0.500]", "2.00 [2.00, 2.00]"]
    assert all(estimate in verdicts for estimate in told)
