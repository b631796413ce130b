"""Pictures in MLflow: the runs that the report shows have them, at the end alone, once, and no other run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from result_pictures import EXEMPLARS
from sweeps.tracking import mirror
from sweeps.tracking.mirrored_runs import Mirror
from sweeps.tracking.mlflow_store import ExperimentStore, TrackingError
from sweeps.tracking.study_rows import StudyRows
from tests.sweeps.small_study import BUDGET, STARTED, SmallStudy, image_study, mlflow_client, search, show


@pytest.fixture
def study(tmp_path: Path) -> SmallStudy:
    """Four runs, of which `d` has no pictures."""
    return image_study(tmp_path / "toy_robustness")


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
    # 16 images make 4 × 4 of 4 pixels and 3 lines, 19 pixels, each of them 21 ≥ 384 / 19 wide.
    assert image.shape[:2] == (19 * 21, 19 * 21)
    squares = image.reshape(19, 21, 19, 21, -1)
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
