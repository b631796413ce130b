"""Sections and metrics of somebody else: found, in every figure and table they should be in, and no report lost by them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis import contents
from analysis.report import main
from analysis.rows import Rows
from analysis.sections.all_systems import AllSystems
from analysis.sections.along_lambda import AlongLambda
from analysis.sections.base import Section
from analysis.sections.best_of_k import BestOfK
from analysis.sections.by_hyper_parameter import ByHyperParameter
from analysis.sections.effects import Effects
from analysis.sections.fragility import Fragility
from analysis.sections.histograms import Distributions
from analysis.sections.learning import Learning
from analysis.sections.paired import Paired
from analysis.sections.ranking import Ranking
from analysis.sections.samples import Samples
from analysis.sections.search import Search
from analysis.sections.summary import Summary
from analysis.sections.tuning import Tuning
from analysis.sections.verdicts import Verdicts
from result_digests import report_is_current
from result_metrics import SMALLER, VERSION_1, MetricInfo
from tests.analysis.made import Made, made

SOMEBODYS = Path(__file__).parents[1] / "somebodys"
FID = MetricInfo("fid", "FID", SMALLER, smallest=0.5, best=0.0)
Run, Store = Callable[..., dict[str, Any]], Callable[..., Path]


@pytest.fixture
def where(run: Run, store: Store, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in (SOMEBODYS, SOMEBODYS / "installed"):
        monkeypatch.syspath_prepend(str(folder))
    return store([run(name, i) for name in ("svae_r", "alice") for i in range(2)])


def name_sections(where: Path, *paths: str) -> None:
    manifest = json.loads((where / "study.json").read_text())
    (where / "study.json").write_text(json.dumps(manifest | {"sections": paths}))


def test_sections_of_an_installed_package_and_of_an_import_path_are_in_the_report(where: Path) -> None:
    name_sections(where, "my_lab.sections:Slowest")
    assert main([str(where)]) == 0
    html, text = ((where / "report" / name).read_text() for name in ("report.html", "summary.md"))
    for words in ("What a result costs", "inception score of each run", "Slowest runs", "1.50"):
        assert words in html
        assert words in text
    assert html.index("What a result costs") < html.index("Slowest runs") < html.index("What matters")
    assert (where / "report" / "cost.png").read_bytes().startswith(b"\x89PNG")
    assert "training seconds" in (where / "report" / "cost.svg").read_text()


def test_a_section_that_fails_loses_nothing_else(
    where: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, failing_sections: Callable[..., str]
) -> None:  # fmt: skip
    monkeypatch.setattr(contents, "failure", failing_sections)
    name_sections(where, "my_lab.sections:Failing")
    assert main([str(where)]) == 1
    out, err = capsys.readouterr()
    assert out.strip().endswith("report.html")
    (line,) = err.splitlines()
    assert line.startswith(
        "The section failing (my_lab.sections:Failing) could not be made: ZeroDivisionError"
    )
    html = (where / "report" / "report.html").read_text()
    assert line.split(":", 2)[2][:20] in html
    assert "Before it fails" not in html
    assert "What a result costs" in html
    assert not report_is_current(str(where), 300, "grid")  # it is made again


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("my_lab.sections:Costs", "has no attribute 'Costs'"),
        ("my_lab.broken:Cost", "no licence for this machine"),
        ("my_lab.sections:number", "must be a subclass of analysis.sections.base:Section"),
    ],
)
def test_a_section_that_cannot_be_imported_is_told_before_anything_is_written(
    where: Path, capsys: pytest.CaptureFixture[str], path: str, words: str
) -> None:
    name_sections(where, path)
    assert main([str(where)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert not (where / "report").exists()


@pytest.fixture
def rows(run: Run, study: Callable[[list[dict[str, Any]]], Rows]) -> Rows:
    """Three systems with an FID, twelve configurations and three λ."""
    runs = [
        run(name, i, lam, mse_x=0.1 / (1 + lam) + 0.01 * i, fid=3.0 + place + 0.1 * i + lam)
        for place, name in enumerate(("svae_r", "alice", "gan"))
        for i in range(12)
        for lam in (0.1, 1.0, 10.0)
    ]
    found = study(runs)
    return replace(found, curves=found.curves.assign(fid=4.0 + found.curves["inception_score"]))


def of(rows: Rows, **changes: Any) -> Rows:
    return replace(rows, manifest=replace(rows.manifest, metrics=(*VERSION_1, FID), **changes))


def shown(part: Made) -> bool:
    return FID.label in part.body or any(FID.label in one.svg.decode() for one in part.drawings)


@pytest.mark.parametrize("kind", [Distributions, Paired, Learning, AlongLambda, Ranking, Fragility, Verdicts, Effects, BestOfK, Tuning,
                                  ByHyperParameter, Summary, AllSystems])  # fmt: skip
def test_a_metric_in_the_headline_is_in_every_figure_and_table(rows: Rows, kind: type[Section]) -> None:
    part = made(kind, of(rows, headline=("mse_x", "fid")))
    assert shown(part)
    assert "inception score" not in part.body or kind in (
        Ranking,
        Fragility,
        Verdicts,
        Summary,
        AllSystems,
        Tuning,
    )
    if part.drawings and kind not in (Ranking, Fragility):
        assert any(FID.label in one.svg.decode() for one in part.drawings)


def test_a_metric_in_the_headline_is_in_the_history_of_a_search(rows: Rows) -> None:
    part = made(Search, of(rows, headline=("fid",), searched=True))
    assert all(FID.label in one.svg.decode() for one in part.drawings)


def test_a_metric_that_is_in_the_manifest_alone_is_in_the_tables(rows: Rows) -> None:
    for kind, there in (
        (Summary, True),
        (AllSystems, True),
        (Verdicts, True),
        (Distributions, False),
        (Learning, False),
    ):
        assert shown(made(kind, of(rows))) == there


def test_a_falling_score_is_better_where_the_metric_says_so(rows: Rows) -> None:
    part = made(AlongLambda, of(rows, headline=("mse_x", "fid")))
    assert "the score rises by more" in part.body
    assert part.body.count("<td>yes</td>") == 3  # FID rises by 9.9 with λ while MSE falls: all three trade


@pytest.mark.parametrize(
    ("shape", "words"), [((7,), "coordinate 2"), ((3, 2, 2), ""), ((1, 2, 2), ""), ((4,), "coordinate 1")]
)
def test_points_of_any_shape_are_drawn(run: Run, store: Store, shape: tuple[int, ...], words: str) -> None:
    from analysis.rows import load

    directory = store([run("alice", i) for i in range(3)], points=42)
    manifest = json.loads((directory / "study.json").read_text())
    (directory / "study.json").write_text(json.dumps(manifest | {"shape": shape}))
    part = made(Samples, load(str(directory)))
    assert len(part.drawings) == 1
    assert words in part.drawings[0].svg.decode()
    assert "Circles" not in part.body
