"""Prepared views: their state as MLflow reads it, medians of the report as runs, points in the plane as an image."""

from __future__ import annotations

import base64
import csv
import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.rows import load
from result_colours import STORED, colours
from sweeps.tracking import mirror
from sweeps.tracking.shown import medians, views
from sweeps.tracking.shown.notes import note
from sweeps.tracking.shown.plane_picture import SIDE, plane_picture
from tests.sweeps.small_study import MANIFEST_OF_STUDY, SmallStudy, mlflow_client, row, search

LONGEST_TAG = 20_000
"""Characters of an experiment's tag that MLflow stores."""


def states(manifest: Any = MANIFEST_OF_STUDY) -> dict[str, dict[str, Any]]:
    """Key -> state of every view that is listed under "Views"."""
    found = {}
    for tag, value in views.view_tags(manifest).items():
        assert len(value) <= LONGEST_TAG
        content = json.loads(value) if tag.startswith("mlflow.sharedViewState.") else {}
        if "name" in content:
            packed = content["state"].removeprefix("deflate;")
            found[tag.rpartition(".")[2]] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return found


def drawn(state: dict[str, Any]) -> list[str]:
    return [card["type"] for card in state["compareRunCharts"] if not card["deleted"]]


def test_every_view_has_its_charts_and_no_card_of_mlflows_own() -> None:
    found = states()
    assert set(found) == {"comparison_view", *(view.key for view in views.PREPARED[1:])}
    assert drawn(found["comparison_view"]) == ["SCATTER", "PARALLEL"]
    assert drawn(found["medians"]) == ["BAR", "BAR", "SCATTER", "SCATTER"]
    assert drawn(found["learning"]) == ["LINE", "LINE"]
    assert drawn(found["best"]) == ["IMAGE", "BAR", "BAR"]  # points in the plane have samples alone
    assert drawn(states(replace(MANIFEST_OF_STUDY, shape=(5,)))["best"]) == ["BAR", "BAR"]
    assert drawn(states(replace(MANIFEST_OF_STUDY, shape=(28, 28)))["best"]) == 3 * ["IMAGE"] + 2 * ["BAR"]
    two = replace(MANIFEST_OF_STUDY, shape=(28, 28), pictures=("samples", "slices"))
    assert [c["imageKeys"] for c in states(two)["best"]["compareRunCharts"][:2]] == [["samples"], ["slices"]]
    for key, state in found.items():
        cards = state["compareRunCharts"]
        assert len({card["uuid"] for card in cards}) == len(cards)
        assert all(card["metricSectionId"] == state["compareRunSections"][0]["uuid"] for card in cards)
        kept = {card.get("metricKey") for card in cards}
        if key == "learning":
            assert {*(m.name for m in MANIFEST_OF_STUDY.metrics), *MANIFEST_OF_STUDY.losses} <= kept


def test_parallel_coordinates_are_coloured_by_the_metric_that_runs_are_ordered_by() -> None:
    state = states()["comparison_view"]
    (parallel,) = [card for card in state["compareRunCharts"] if card["type"] == "PARALLEL"]
    assert parallel["selectedMetrics"] == ["inception_score"]
    assert parallel["selectedParams"] == ["algorithm", "lam", "width", "rate", "note"]
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`inception_score`", False)


def test_links_open_charts_where_there_are_some_and_else_the_table() -> None:
    compare, *_, diverged = views.PREPARED
    assert views.link("http://h", "7", compare).endswith(
        "/#/experiments/7/runs?viewStateShareKey=comparison&compareRunsMode=CHART&workflowType=machine_learning"
    )
    assert "compareRunsMode" not in views.link("http://h", "7", diverged)


def test_the_note_says_the_question_what_is_there_and_what_each_view_answers() -> None:
    text = note(MANIFEST_OF_STUDY, views.PREPARED, "every 2nd run")
    assert text.startswith(MANIFEST_OF_STUDY.question)
    assert "every 2nd run" in text
    assert all(f"**{view.name}**: {view.says}" in text for view in views.PREPARED)
    assert "| hyper-parameter |" not in text  # of a study from before manifests described them


def test_the_note_has_a_line_for_each_hyper_parameter_that_the_manifest_describes() -> None:
    manifest = replace(
        MANIFEST_OF_STUDY,
        descriptions={"width": "units | per layer", "rate": "of Adam", "temperature": "T of an algorithm"},
        levels={"rate": ("1e-05 to 0.01, log-uniform",), "width": ("64", "128")},
    )
    lines = note(manifest, views.PREPARED).splitlines()
    assert lines[lines.index("| hyper-parameter | is | levels or range |") + 2 :] == [
        r"| `width` | units \| per layer | 64, 128 |",
        "| `rate` | of Adam | 1e-05 to 0.01, log-uniform |",
        "| `temperature` | T of an algorithm |  |",
    ]


def test_runs_have_the_colours_of_the_report(tmp_path: Path, uri: str) -> None:
    names = ("gan", "svae_r", "new", "alice")
    study = SmallStudy(tmp_path / "toy_robustness")
    study.add([row(name, algorithm=name) for name in names])
    for known in ({}, {"gan": "#112233", "svae_r": "#445566"}):
        (study.directory / "study.json").write_text(replace(MANIFEST_OF_STUDY, colours=known).to_json())
        rows = load(study.uri)
        report = colours(rows.algorithms, rows.manifest.colours)
        database = f"{uri}.{len(known)}"
        assert mirror.main(mirror.Options(study.uri, tracking_uri=database)) == 0
        runs = search(database)
        assert {name: runs[name].data.tags["mlflow.runColor"] for name in names} == report
        assert report.items() >= (known or {"svae_r": STORED["svae_r"], "alice": STORED["alice"]}).items()
        assert len(set(report.values())) == 4


def summarised(study: SmallStudy, lines: list[dict[str, Any]]) -> None:
    report = study.directory / "report"
    report.mkdir(exist_ok=True)
    (report / "report.html").write_text("<p>")
    with (report / medians.FILE).open("w") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines)


def line(algorithm: str, lam: float, median: str, **changes: str) -> dict[str, Any]:
    return {
        "algorithm": algorithm, "lam": lam, "runs": 4, "diverged_share": 0.25,
        "mse_x_median": median, "mse_x_median_low": "0.01", "mse_x_median_high": "", **changes,
    }  # fmt: skip


def kept(uri: str) -> dict[str, dict[str, float]]:
    """Name -> metrics of the summary runs."""
    experiment = mlflow_client(uri).get_experiment_by_name("toy_robustness")
    found = mlflow_client(uri).search_runs([experiment.experiment_id], "tags.kind = 'summary'")
    names = [run.info.run_name for run in found]
    assert len(set(names)) == len(names)
    return {run.info.run_name: run.data.metrics for run in found}


def test_the_reports_medians_are_runs_written_once_and_anew_where_they_change(
    tmp_path: Path, uri: str
) -> None:
    study = SmallStudy(tmp_path / "toy_robustness")
    manifest = replace(MANIFEST_OF_STUDY, labels={"svae_r": "sVAE-r", "gan": "GAN"}, own={"gan": {}})
    (study.directory / "study.json").write_text(manifest.to_json())
    study.add([row("a")])
    lines = [
        line("svae_r", 0.1, "0.02"),
        line("svae_r", 1.0, "inf"),
        line("gan", 0.1, ""),
        line("gan", 1.0, ""),
    ]
    summarised(study, lines)
    for _ in range(2):
        assert mirror.main(mirror.Options(study.uri, tracking_uri=uri)) == 0
    shared = {"runs": 4.0, "diverged_share": 0.25, "low/mse_x": 0.01}
    assert kept(uri) == {
        "sVAE-r λ=0.1, median": {**shared, "median/mse_x": 0.02},
        "sVAE-r λ=1, median": shared,  # a DIVERGED run is the median
        "GAN, median": shared,  # without λ: the same at each
    }
    summarised(study, [line("svae_r", 0.1, "0.03"), *lines[1:]])
    assert mirror.main(mirror.Options(study.uri, tracking_uri=uri)) == 0
    assert kept(uri)["sVAE-r λ=0.1, median"]["median/mse_x"] == 0.03
    assert len(kept(uri)) == 3
    assert set(search(uri)) == {"a"}


@pytest.mark.parametrize("modes", [(), ((0.0, 0.0), (2.0, 2.0))])
def test_a_point_is_a_dot_with_the_second_coordinate_upwards(modes: tuple[tuple[float, float], ...]) -> None:
    points = np.array([[2.0, 2.0], [0.0, 0.0], [np.nan, 0.0], [1e9, 0.0]][: 4 if modes else 2], np.float32)
    picture = plane_picture(points, modes, 0.2)
    assert picture.shape == (SIDE, SIDE, 3)
    dark = (picture == (31, 41, 51)).all(axis=-1)
    rows, columns = np.nonzero(dark)
    assert dark.sum() == 18  # two dots of 3 × 3, of what is finite and within
    high, low = rows < SIDE // 2, rows >= SIDE // 2
    assert columns[high].mean() > SIDE / 2 > columns[low].mean()
    assert ((picture != 255).any(axis=-1) & ~dark).any() == bool(modes)  # circles
