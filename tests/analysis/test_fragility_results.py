"""Fragility of whole studies: who is compared, at which λ, and what is said of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from analysis import contents
from analysis.fragility.closeness import closeness
from analysis.fragility.results import compute
from analysis.rows import Rows, load
from analysis.sections.fragility import Fragility, sentences, tables
from result_manifest import AT_LEAST, AT_MOST, Bound, Target
from tests.analysis.made import made
from tests.analysis.measures import INCEPTION, LOG_MSE, ON_MODE

Run = Callable[..., dict[str, Any]]
Study = Callable[..., Rows]

BOTH: Target = (Bound("inception_score", AT_LEAST, 4.5), Bound("mse_x", AT_MOST, 0.05))


def asking(study: Rows, *targets: Target, **best: float) -> Rows:
    return dataclasses.replace(
        study, manifest=dataclasses.replace(study.manifest, targets=targets, best=best)
    )


def test_best_possible_is_declared_or_else_the_best_seen(run: Run, study: Study) -> None:
    found = study([run("alice", c, inception_score=2.0 + c) for c in range(3)])
    assert (closeness(found, INCEPTION).best, closeness(found, INCEPTION).possible) == (4.0, False)
    declared = closeness(asking(found, inception_score=5.0), INCEPTION)
    assert (declared.best, declared.possible) == (5.0, True)
    assert declared.words() == "within 5 % of the best possible (5)"
    assert closeness(found, ON_MODE).best == 1.0
    assert closeness(found, LOG_MSE).words() == "within a factor of 10 of the best seen (0.1000)"


def test_target_counts_the_runs_that_meet_all_bounds_and_divergence_as_missed(run: Run, study: Study) -> None:
    rows = [run("svae_r", c, inception_score=4.5, mse_x=0.05) for c in range(10)]  # a bound itself is met
    rows += [run("alice", c, inception_score=4.9, mse_x=0.01 if c < 6 else 0.06) for c in range(9)]
    rows += [run("alice", 9, outcome="DIVERGED")]
    met = compute(asking(study(rows), BOTH)).met[0]
    assert (met.own["svae_r"].point, met.own["alice"].point) == (1.0, 0.6)
    assert met.differences["svae_r", "alice"].point == pytest.approx(0.4)
    assert met.configurations == 10


def test_system_without_a_metric_is_absent_and_not_worst(run: Run, study: Study) -> None:
    rows = [run(name, c) for name in ("svae_r", "alice") for c in range(12)]
    rows += [run("gan", c, mse_x=None, mse_z=None) for c in range(9)]
    rows += [run("gan", c, outcome="DIVERGED") for c in (9, 10, 11)]
    found = compute(asking(study(rows), BOTH))
    systems = {m.closeness.measure: set(m.lams) for m in found.measured}
    assert systems[INCEPTION] == {"svae_r", "alice", "gan"}
    assert systems[LOG_MSE] == {"svae_r", "alice"}
    assert set(found.met[0].lams) == {"svae_r", "alice"}


def test_completed_run_that_lacks_the_metric_is_left_out_and_counted(run: Run, study: Study) -> None:
    rows = [run(name, c) for name in ("svae_r", "alice") for c in range(12)]
    rows[0] = run("svae_r", 0, inception_score=None)
    found = compute(study(rows)).measured[0]
    assert (found.found.configurations, found.left_out) == (11, 1)


def test_infinite_value_is_worst(run: Run, study: Study) -> None:
    rows = [
        run(name, c, mse_x=0.1 if c or name == "alice" else float("inf"))
        for name in ("svae_r", "alice")
        for c in range(10)
    ]
    found = next(m for m in compute(study(rows)).measured if m.closeness.measure == LOG_MSE)
    assert found.found.contrasts[0].same.point == pytest.approx(0.45)  # one loss, nine ties


def test_total_divergence_of_one_side_is_said(run: Run, study: Study) -> None:
    rows = [run("svae_r", c) for c in range(10)] + [run("alice", c, outcome="DIVERGED") for c in range(10)]
    found = compute(asking(study(rows), (Bound("inception_score", AT_LEAST, 4.0),)))
    assert found.measured[0].found.contrasts[0].same.point == 1
    assert found.met[0].own["alice"].point == 0
    assert (
        "100.0 % [72.2, 100.0] of sVAE-r’s and 0.0 % [0.0, 27.8] of ALICE’s 10 configurations"
        in sentences(found)[0]
    )


def test_best_lambda_is_of_the_highest_median_with_divergence_worst(run: Run, study: Study) -> None:
    # At λ = 1 most runs diverged and the survivors shine: λ = 0.1 is the best all the same.
    rows = [run(name, c, 0.1, inception_score=4.0) for name in ("svae_r", "alice") for c in range(10)]
    rows += [run("alice", c, 1.0, inception_score=4.5) for c in range(10)]
    rows += [
        run("svae_r", c, 1.0, **({"inception_score": 4.9} if c < 3 else {"outcome": "DIVERGED"}))
        for c in range(10)
    ]
    best = next(m for m in compute(study(rows)).measured if m.best)
    assert dict(best.lams) == {"svae_r": 0.1, "alice": 1.0}
    assert best.found.contrasts[0].same.point == 0


def test_lambda_that_one_system_lacks_is_not_compared(run: Run, study: Study) -> None:
    rows = [run(name, c, 0.1) for name in ("svae_r", "alice") for c in range(10)]
    rows += [run("svae_r", c, 1.0) for c in range(10)]
    lams = [
        dict(m.lams) for m in compute(study(rows)).measured if m.closeness.measure == INCEPTION and not m.best
    ]
    assert lams == [{"svae_r": 0.1, "alice": 0.1}]


def test_too_few_configurations_are_said_and_not_shown(run: Run, study: Study) -> None:
    few = study([run(name, c) for name in ("svae_r", "alice") for c in range(9)])
    part = made(Fragility, few)
    assert "10 configurations in common" in part.body
    alone = study([run("alice", c) for c in range(20)])
    assert not made(Fragility, alone).body


def test_section_has_targets_profile_and_fresh_seeds(run: Run, study: Study) -> None:
    rows = [run(name, c, lam, seed, inception_score=3.0 + c / 10 + seed / 5, mse_x=0.1 / (1 + c) / lam)
            for name in ("svae_r", "alice") for c in range(12) for lam in (0.1, 1.0) for seed in range(2)]  # fmt: skip
    found = asking(study(rows), BOTH, inception_score=5.0)
    results = compute(found)
    part = made(Fragility, found)
    assert [drawing.name for drawing in part.drawings] == ["profile"]
    for words in (
        "Target: inception score at least 4.5 and MSE at most 0.05",
        "Best of k on fresh seeds",
        "within 5 % of the best possible (5)",
    ):
        assert words in part.body
    assert [title for title, _ in tables(results)][:2] == ["inception score", "log10 MSE"]


def test_fragility_is_the_first_section_of_a_report(store: Callable[..., Any], run: Run) -> None:
    where = store([run(name, c) for name in ("svae_r", "alice") for c in range(10)])
    files = contents.build(load(str(where))).files
    html = files["report.html"].decode()
    assert html.index('<ul class="chips">') < html.index("mean of the worst tenth")
    assert '<h2 id="s1">1 Fragility<a' in html
    assert "profile.png" in files
    assert "### Inception score" in files["summary.md"].decode()
