"""Algorithms without λ: one run counts once, and stands at every λ of the study."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from analysis import contents, decision
from analysis.comparison import contests, families, paired, trade_off
from analysis.comparison.seed_results import decompose
from analysis.comparison.trends import by_lambda
from analysis.decision import Asked
from analysis.fragility import results, scale_free
from analysis.levels import without_lambda
from analysis.rows import Rows, load
from analysis.sections import along_lambda, fragility, halving, ranking, search, verdicts
from analysis.sections._paired_cells import verdict_cells
from analysis.sections.base import Report
from analysis.sections.opening import facts
from analysis.statistics.summary import summarise
from result_manifest import Manifest
from tests.analysis.made import made
from tests.analysis.measures import INCEPTION, MSE

LAMBDAS = (0.1, 1.0, 10.0)
OWN = {"gan": {}, "ali": {}, "aavae": {"temperature": 1.5}}
BASELINES = {"svae_r": ("alice",), "ali": ("gan",), "alice": ("ali",)}


def declared(directory: Path, **changes: object) -> Path:
    """The store, whose manifest says what algorithms declare."""
    path = directory / "study.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"own": OWN, "baselines": BASELINES} | changes))
    return directory


def mixed(run, configurations: int = 8, seeds: int = 2) -> list[dict[str, object]]:
    """Two systems with λ; two without, stored at two λ as they once were, GAN's last seed at 0 as now."""
    rows = []
    for c in range(configurations):
        for s in range(seeds):
            for n, lam in enumerate(LAMBDAS):
                for a, base in (("svae_r", 4.0), ("alice", 3.5)):
                    rows.append(
                        run(
                            a,
                            c,
                            lam,
                            s,
                            inception_score=base + c / 100 - n * (a == "alice"),
                            mse_x=0.1 / (n + 1 + c / 9),
                        )
                    )
            for a, base in (("gan", 3.0), ("ali", 3.2)):
                stored = (0.0,) if (a, s) == ("gan", 1) else LAMBDAS[:2]
                rows += [
                    run(a, c, lam, s, inception_score=base + c / 50, mse_x=0.3 + c / 100) for lam in stored
                ]
    return rows  # fmt: skip


@pytest.fixture
def whole(store, run) -> Rows:
    return load(str(declared(store(mixed(run)))))


def test_what_has_no_lambda_is_what_the_manifest_says_of_it() -> None:
    manifest = Manifest(
        "s", {}, own={"gan": {}, "aavae": {"temperature": 1.5}, "ssvae": {"lam": None, "temperature": 1.5}}
    )
    names = ("gan", "aavae:temperature=3", "aavae", "ssvae", "alice", "unknown")
    assert without_lambda(names, manifest) == {"gan", "aavae", "aavae:temperature=3"}
    assert without_lambda(names, replace(manifest, own={})) == frozenset()


def test_a_store_whose_manifest_says_nothing_is_read_as_it_is(store, run) -> None:
    found = load(str(store(mixed(run))))
    assert found.lambdas == [0.0, *LAMBDAS]
    assert found.trained is found.runs
    assert len(found.runs) == 8 * (2 * 6 + 2 + 1 + 4)


def test_runs_count_once_and_stand_at_every_lambda_of_the_others(whole: Rows) -> None:
    assert whole.level == {"gan", "ali"}
    assert whole.lambdas == list(LAMBDAS)
    assert len(whole.trained) == 8 * 2 * (2 * 3 + 2)
    for lam in LAMBDAS:
        assert len(whole.group("gan", lam)) == len(whole.group("alice", lam)) == 16
        assert set(whole.group("gan", lam)["run_key"]) == set(whole.group("gan", 0.1)["run_key"])
    said = facts(whole)
    assert (said["runs"], said["COMPLETED"], said["λ"]) == ("128", "128", "0.1, 1, 10")
    table = summarise(whole)
    for _, own in table[table["algorithm"] == "gan"].groupby("algorithm"):
        assert own["lam"].tolist() == list(LAMBDAS)
        assert own["runs"].tolist() == [16] * 3
        assert own["inception_score_median"].nunique() == 1


def test_the_row_that_counts_went_furthest_then_finished_first(store, run) -> None:
    later = run("gan", 0, 1.0)["finished_at"].replace(year=2027)
    rows = [
        run("gan", 0, 0.1, outcome="FAILED"), run("gan", 0, 1.0, mse_x=0.5, finished_at=later), run("gan", 0, 10.0, mse_x=0.6),
        run("gan", 1, 0.1, outcome="STOPPED", iterations=20), run("gan", 1, 1.0, outcome="STOPPED", iterations=40),
        run("alice", 0, 0.1), run("alice", 1, 0.1),
    ]  # fmt: skip
    found = load(str(declared(store(rows))))
    own = found.trained[found.trained["algorithm"] == "gan"].set_index("configuration")
    assert own.loc[0, "mse_x"] == 0.6
    assert own.loc[1, "iterations"] == 40


def test_without_any_lambda_nothing_is_said_of_it(store, run) -> None:
    rows = [run(a, c, lam, inception_score=i + c / 9) for a, i in (("gan", 2), ("ali", 3)) for c in range(8) for lam in (0.1, 1.0)]  # fmt: skip
    found = load(str(declared(store(rows))))
    assert (found.lambdas, found.has_lambda, len(found.runs)) == ([0.0], False, 16)
    assert "λ" not in facts(found)
    assert trade_off.judged_changes(found) == 0
    files = contents.build(found).files
    assert "Along λ" not in files["report.html"].decode()
    judged = families.judged(found)
    assert judged
    assert verdict_cells([(p, paired.compare(p, lam, m)) for p, lam, m in judged])[1][0][0] == "any"


def test_two_systems_without_lambda_are_one_comparison(whole: Rows) -> None:
    judged = families.judged(whole)
    metrics = 2  # of those with a smallest difference, MSE and inception score have values
    by_pair = {(p.first, p.second): [lam for q, lam, _ in judged if q is p] for p, _, _ in judged}
    assert by_pair[("ali", "gan")] == [0.1] * metrics
    assert by_pair[("svae_r", "alice")] == [lam for lam in LAMBDAS for _ in range(metrics)]
    assert by_pair[("alice", "ali")] == by_pair[("svae_r", "alice")]
    family = families.family_of(whole)
    # 7 places of pairs × metrics; two changes of each of two systems, and of their difference.
    assert family.size == 7 * metrics + 2 * 2 + 1
    assert "Two systems without λ are one comparison, whatever λ." in verdicts.scope(whole, family)
    cells = verdicts.cells_of(whole, family)[1]
    assert [line[0] for line in cells if line[1] == "ALI − GAN"] == ["any"] * metrics
    standings = contests.compute(whole)
    # Of six pairs at three λ, one is the same at each.
    assert standings.family.size == metrics * (6 * 3 - 2)
    assert "Two systems without λ are one pair" in ranking.scope(whole, standings)


def test_what_has_no_lambda_has_no_trend_and_no_best_lambda(whole: Rows) -> None:
    family = families.family_of(whole)
    assert [line[0] for line in along_lambda.trend_cells(whole, None, family)[1]] == ["sVAE-r", "ALICE"]
    assert {line[0] for line in along_lambda.range_cells(whole)[1]} == {"sVAE-r", "ALICE"}
    assert not scale_free.comparable(whole, "alice", "ali")
    assert by_lambda(whole, "gan", MSE).nunique(axis=1).eq(1).all()
    assert Report(whole).claim
    moved = replace(whole, manifest=replace(whole.manifest, baselines={"alice": ("ali",)}))
    assert Report(moved).comparison
    assert Report(moved).claim is None


def test_fragility_of_two_systems_without_lambda_stands_once(store, run) -> None:
    whole = load(str(declared(store(mixed(run, configurations=results.LEAST, seeds=1)))))
    found = results.compute(whole)
    (_, (header, cells)), *_ = fragility.tables(found)
    places = {names: [line[0] for line in cells if line[1] == names] for names in {line[1] for line in cells}}
    assert header[0] == "λ"
    assert places["ALI, GAN"] == ["any"]
    assert places["ALICE, ALI"][:3] == ["0.1", "1", "10"]
    assert places["ALICE, ALI"][3].endswith(", any")
    only = replace(whole, manifest=replace(whole.manifest, baselines={"ali": ("gan",)}))
    assert "whatever λ" in fragility.sentences(results.compute(only))[0]


def test_seeds_of_what_has_no_lambda_are_decomposed_once(whole: Rows) -> None:
    found = decompose(whole)
    assert [d.lam for d in found if d.subject == ("gan",) and d.measure == INCEPTION] == [0.1]
    assert [d.lam for d in found if d.subject == ("alice",) and d.measure == INCEPTION] == [*LAMBDAS, None]


def test_a_decision_takes_what_has_no_lambda_whatever_is_asked(whole: Rows) -> None:
    keys = sorted(whole.runs["configuration_key"].unique())
    asked = Asked(iterations=300, algorithms=["gan", "ali"], lambdas=[0.0], configurations=keys, seeds=2, looks=[8],
                  metrics=["inception_score"], at=[0.0])  # fmt: skip
    alone = decision.decide(whole, asked)
    assert len(alone.decided + alone.open) == 1
    assert "at λ" not in (alone.decided + alone.open)[0]
    both = decision.decide(
        whole, replace(asked, algorithms=["gan", "ali", "alice"], lambdas=list(LAMBDAS), at=[1.0])
    )
    assert sorted("λ = 1" in words for words in both.decided + both.open) == [False, True]


def test_a_report_is_built_of_it_whole(store, run) -> None:
    rows = [row for row in mixed(run, configurations=5, seeds=1) if row["lam"] != LAMBDAS[-1]]
    whole = load(str(declared(store(rows))))
    files = contents.build(whole).files
    html = files["report.html"].decode()
    assert "Without λ, and so level: ALI, GAN." in html
    assert len(whole.trained) == 5 * 6
    assert facts(whole)["runs"] == "30"


def test_a_search_draws_what_has_no_lambda_once(store, run, monkeypatch) -> None:
    whole = load(str(declared(store(mixed(run, configurations=5, seeds=1)), searched=True)))
    drawn = {}
    monkeypatch.setattr(search, "course_figure", lambda courses, colours: drawn.update(courses) or Figure())
    monkeypatch.setattr(search, "importance_figure", lambda shares, *_: Figure())
    body = made(search.Search, whole).body
    assert "Without λ, and so drawn once: ALI, GAN." in body
    for courses in drawn.values():
        places = Counter(name for name, _ in courses)
        assert places == {"svae_r": 3, "alice": 3, "gan": 1, "ali": 1}


def test_halving_shows_what_has_no_lambda_once(store, run) -> None:
    rows = [{**row, **({"outcome": "STOPPED", "iterations": 100} if row["configuration"] else {})}
            for row in mixed(run, configurations=4, seeds=1)]  # fmt: skip
    part = made(halving.Halving, load(str(declared(store(rows)))))
    assert part.body.count(">any</td>") == 2
    assert len(part.drawings) == 3
