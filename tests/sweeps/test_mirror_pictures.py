"""Pictures in MLflow: the runs that the report shows have them, at the end alone, once, and no other run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from result_pictures import EXEMPLARS, table
from sweeps.tracking import mirror
from sweeps.tracking.contents import StudyRows
from sweeps.tracking.mirror import Mirror
from sweeps.tracking.mlflow_store import ExperimentStore, TrackingError
from tests.sweeps.small_study import (
    BUDGET,
    MANIFEST_OF_STUDY,
    STARTED,
    SmallStudy,
    mlflow_client,
    row,
    search,
)

KEYS = ("a", "b", "c", "d")


@pytest.fixture
def study(tmp_path: Path) -> SmallStudy:
    """Four runs on images of 4×4, of which `d` has no pictures."""
    study = SmallStudy(tmp_path / "toy_robustness")
    (study.directory / "study.json").write_text(replace(MANIFEST_OF_STUDY, shape=(4, 4)).to_json())
    study.add([row(key, configuration=n) for n, key in enumerate(KEYS)])
    draw = np.random.default_rng(0)
    kinds = {"samples": (16, 4, 4), "reconstructions": (8, 2, 4, 4)}
    drawn = {
        key: {kind: draw.integers(256, size=shape, dtype=np.uint8) for kind, shape in kinds.items()}
        for key in KEYS[:3]
    }
    (study.directory / "pictures").mkdir()
    pq.write_table(table(drawn), study.directory / "pictures" / "0.parquet")
    (study.directory / "report").mkdir()
    (study.directory / "report" / "report.html").write_text("<p>")
    return study


def show(study: SmallStudy, ranks: Mapping[str, list[str]]) -> None:
    """Writes a report that shows these runs."""
    (study.directory / "report" / EXEMPLARS).write_text(json.dumps(ranks))


def mirrored(study: SmallStudy, uri: str) -> dict[str, Any]:
    """Runs by key after a mirroring."""
    assert mirror.main(mirror.Options(study.uri, tracking_uri=uri)) == 0
    return search(uri)


def shown(runs: Mapping[str, Any]) -> dict[str, str]:
    """Run key -> ranks of the runs that say that they have pictures."""
    found = {key: run.data.tags for key, run in runs.items() if "exemplar" in run.data.tags}
    assert all(("mlflow.loggedImages" in run.data.tags) == (key in found) for key, run in runs.items())
    return {key: tags["exemplar"] for key, tags in found.items()}


def files(uri: str, run: Any) -> list[str]:
    """Names of its images, without what is random in them."""
    found = mlflow_client(uri).list_artifacts(run.info.run_id, "images")
    names = [Path(file.path).name for file in found]
    return sorted(name.rpartition("+timestamp")[0] + Path(name).suffix for name in names)


def test_runs_that_the_report_shows_have_pictures_and_a_tag_that_finds_them(
    study: SmallStudy, uri: str
) -> None:
    show(study, {"a": ["best"], "b": ["median", "worst"], "d": ["worst"], "gone": ["best"]})
    runs = mirrored(study, uri)
    assert shown(runs) == {"a": "best", "b": "median, worst"}
    assert list(search(uri, "tags.exemplar LIKE '%best%'")) == ["a"]
    steps = [f"{kind}+step+{BUDGET}" for kind in ("reconstructions", "samples")]
    assert files(uri, runs["a"]) == [f"{step}{kind}" for step in steps for kind in (".png", ".webp")]
    assert files(uri, runs["c"]) == []
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    ended = int(STARTED.timestamp() * 1000) + 30_000
    assert {run.info.end_time for run in runs.values()} == {ended}


def test_an_image_is_the_mosaic_enlarged_with_sharp_pixels(study: SmallStudy, uri: str) -> None:
    from matplotlib.image import imread

    show(study, {"a": ["best"]})
    runs = mirrored(study, uri)
    client = mlflow_client(uri)
    (path,) = [
        file.path
        for file in client.list_artifacts(runs["a"].info.run_id, "images")
        if "samples" in file.path and file.path.endswith(".png")
    ]
    image = imread(client.download_artifacts(runs["a"].info.run_id, path))
    # 16 images make 4 × 4 of 4 pixels and 3 lines, 19 pixels, each of them 27 ≥ 512 / 19 wide.
    assert image.shape[:2] == (19 * 27, 19 * 27)
    squares = image.reshape(19, 27, 19, 27, -1)
    assert (squares == squares[:, :1, :, :1]).all()


def test_nothing_is_written_twice_and_a_rank_alone_changes_a_tag_alone(study: SmallStudy, uri: str) -> None:
    show(study, {"a": ["best"], "b": ["worst"]})
    before = mirrored(study, uri)
    again = mirrored(study, uri)
    assert {key: run.info.run_id for key, run in again.items()} == {
        key: run.info.run_id for key, run in before.items()
    }
    assert files(uri, again["a"]) == files(uri, before["a"])
    show(study, {"b": ["best"], "a": ["worst"]})
    after = mirrored(study, uri)
    assert shown(after) == {"a": "worst", "b": "best"}
    assert after["a"].info.run_id == before["a"].info.run_id
    assert files(uri, after["a"]) == files(uri, before["a"])


def test_a_run_that_the_report_shows_no_more_loses_its_pictures_and_another_gains_them(
    study: SmallStudy, uri: str
) -> None:
    show(study, {"a": ["best"], "b": ["worst"]})
    before = mirrored(study, uri)
    show(study, {"c": ["best"], "b": ["worst"]})
    after = mirrored(study, uri)
    assert shown(after) == {"b": "worst", "c": "best"}
    assert after["a"].info.run_id != before["a"].info.run_id
    assert files(uri, after["a"]) == []
    assert len(files(uri, after["c"])) == 4
    kept = dict(before["c"].data.tags)
    assert {name: after["c"].data.tags[name] for name in kept} == kept


@pytest.mark.parametrize("told", [None, "[1]", "no JSON"])
def test_pictures_stay_where_no_report_says_which_runs_it_shows(
    study: SmallStudy, uri: str, told: str | None
) -> None:
    show(study, {"a": ["best"]})
    mirrored(study, uri)
    if told is None:
        for file in (study.directory / "report").iterdir():
            file.unlink()
    else:
        (study.directory / "report" / EXEMPLARS).write_text(told)
    assert shown(mirrored(study, uri)) == {"a": "best"}


def test_pictures_wait_for_the_end_of_a_study(study: SmallStudy, uri: str) -> None:
    show(study, {"a": ["best"]})
    work = Mirror(StudyRows(study.uri), uri)
    work.step()
    assert shown(search(uri)) == {}
    work.step(report=True)
    assert shown(search(uri)) == {"a": "best"}


def test_a_run_whose_pictures_were_cut_off_is_written_anew(
    study: SmallStudy, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(study, {"a": ["best"]})

    def cut(*_: object) -> None:
        raise TrackingError("killed")

    work = Mirror(StudyRows(study.uri), uri)
    monkeypatch.setattr(ExperimentStore, "_set_tags", cut)
    with pytest.raises(TrackingError):
        work.step(report=True)
    monkeypatch.undo()
    runs = mirrored(study, uri)
    assert shown(runs) == {"a": "best"}
    assert len(files(uri, runs["a"])) == 4
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
