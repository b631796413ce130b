"""The mirror: MLflow equal to the rows, whatever was there before and however it was interrupted."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from result_manifest import MANIFEST
from result_schema import runs_schema
from sweeps.tracking import contents, mirror
from sweeps.tracking.contents import text
from sweeps.tracking.mirrored_runs import Mirror
from sweeps.tracking.study_rows import StudyRows
from tests.sweeps.small_study import (
    BUDGET,
    MANIFEST_OF_STUDY,
    STARTED,
    SmallStudy,
    curve,
    mlflow_client,
    row,
    search,
)


def run_mirror(study: SmallStudy, uri: str) -> int:
    return mirror.main(mirror.Options(study.uri, tracking_uri=uri))


def test_mirror_writes_one_finished_run_per_row(study: SmallStudy, uri: str) -> None:
    assert run_mirror(study, uri) == 0
    runs = search(uri)
    assert {key: run.info.status for key, run in runs.items()} == {
        "done": "FINISHED", "gone": "FINISHED", "failed": "FAILED",
    }  # fmt: skip
    done = runs["done"]
    assert done.info.run_name == "svae_r λ=0.1 #0417 seed 0"
    milliseconds = int(STARTED.timestamp() * 1000)
    assert (done.info.start_time, done.info.end_time) == (milliseconds, milliseconds + 30_000)
    assert done.data.params == {
        "algorithm": "svae_r", "lam": "0.1", "seed": "0", "iterations": "300", "configuration": "417",
        "width": "64", "rate": "0.001", "note": "", "precision": "float32",
    }  # fmt: skip
    tags = {key: value for key, value in done.data.tags.items() if not key.startswith("mlflow.")}
    made = (study.directory / "study.json").stat().st_mtime_ns
    assert (tags.pop("results"), tags.pop("origin")) == (str(study.directory), str(made))
    assert tags == {
        "kind": "run", "run_key": "done", "algorithm": "svae_r", "objective_version": "1", "data_version": "1", "outcome": "COMPLETED", "cohort": "abc",
        "device": "cpu", "configuration_key": "c417", "finished_at": "2026-01-02T03:04:35+00:00",
    }  # fmt: skip
    assert done.data.tags["mlflow.source.git.commit"] == "0" * 40
    assert runs["gone"].data.tags["diverged_at"] == "17"
    assert runs["failed"].data.tags["error"] == "RuntimeError: no"


def test_mirror_makes_the_final_value_the_latest_of_its_curve(study: SmallStudy, uri: str) -> None:
    run_mirror(study, uri)
    done = search(uri)["done"]
    # 4.7 is the row's; the curve's point at the same last step, 3, makes way for it
    assert done.data.metrics["inception_score"] == 4.7
    history = mlflow_client(uri).get_metric_history(done.info.run_id, "inception_score")
    assert sorted((point.step, point.value) for point in history) == [(100, 1.0), (200, 2.0), (BUDGET, 4.7)]
    assert list(search(uri, "metrics.inception_score > 4.5")) == ["done"]


def test_mirror_has_what_a_run_cost_where_that_is_known(study: SmallStudy, uri: str) -> None:
    study.add([row("measured", energy_joules=12.5)])
    run_mirror(study, uri)
    runs = search(uri)
    assert runs["measured"].data.metrics["energy_joules"] == 12.5
    assert runs["done"].data.metrics["train_seconds"] == 2.5
    assert "energy_joules" not in runs["done"].data.metrics


def test_mirror_has_how_much_of_the_machine_was_used_as_system_metrics(study: SmallStudy, uri: str) -> None:
    used = {"cpu_utilization_percentage": 61.5, "system_memory_usage_megabytes": 2_048.0}
    graphics = {"gpu_utilization_percentage": 80.0, "gpu_memory_usage_megabytes": 512.0}
    study.add([row("cpu", **used), row("gpu", **used, **graphics), row("broken", "DIVERGED", **used)])
    run_mirror(study, uri)
    runs = search(uri)

    def system(key: str) -> dict[str, float]:
        return {n: v for n, v in runs[key].data.metrics.items() if n.startswith("system/")}

    cpu = {"system/cpu_utilization_percentage": 61.5, "system/system_memory_usage_megabytes": 2_048.0}
    assert system("cpu") == cpu
    gpu = {"system/gpu_0_utilization_percentage": 80.0, "system/gpu_0_memory_usage_megabytes": 512.0}
    assert system("gpu") == cpu | gpu
    assert system("done") == system("broken") == {}
    (point,) = mlflow_client(uri).get_metric_history(
        runs["cpu"].info.run_id, "system/cpu_utilization_percentage"
    )
    assert point.timestamp == runs["cpu"].info.end_time


def inputs(uri: str) -> dict[str, list[tuple[str, str]]]:
    """Run key -> names and digests of the data sets of a run."""
    client = mlflow_client(uri)
    found = {key: client.get_run(run.info.run_id).inputs.dataset_inputs for key, run in search(uri).items()}
    return {key: [(one.dataset.name, one.dataset.digest) for one in own] for key, own in found.items()}


def test_every_run_has_its_data_set_as_an_input_once(study: SmallStudy, uri: str) -> None:
    manifest = replace(MANIFEST_OF_STUDY, data="rings", shape=(2,), modes=((0.0, 1.0),), mode_std=0.2)
    (study.directory / MANIFEST).write_text(manifest.to_json())
    study.add([row("newer", data_version="rings-v2"), row("long", data_version=40 * "x")])
    for _ in range(2):
        assert run_mirror(study, uri) == 0
        found = inputs(uri)
        assert found.pop("newer") == [("rings", "rings-v2")]
        ((name, digest),) = found.pop("long")
        assert (name, len(digest)) == ("rings", 36)
        assert digest not in 40 * "x"
        assert found == {key: [("rings", "1")] for key in ("done", "gone", "failed")}
    (one,) = mlflow_client(uri).get_run(search(uri)["newer"].info.run_id).inputs.dataset_inputs
    assert [(tag.key, tag.value) for tag in one.tags] == [("mlflow.data.context", "training")]
    profile = json.loads(one.dataset.profile)
    assert profile == {
        "version": "rings-v2", "shape_of_a_point": [2], "modes": 1, "standard_deviation_of_a_mode": 0.2,
    }  # fmt: skip
    features = json.loads(json.loads(one.dataset.schema)["mlflow_tensorspec"]["features"])
    assert features == [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]


def test_runs_that_were_mirrored_without_a_data_set_stay_as_they_are(
    study: SmallStudy, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "data_of", lambda *_: None)
    assert run_mirror(study, uri) == 0
    monkeypatch.undo()
    before = {key: run.info.run_id for key, run in search(uri).items()}
    study.add([row("more")])
    assert run_mirror(study, uri) == 0
    assert inputs(uri) == {**{key: [] for key in before}, "more": [("1", "1")]}  # a study that names no data
    assert before.items() <= {key: run.info.run_id for key, run in search(uri).items()}.items()


def test_mirror_leaves_out_what_is_not_finite(study: SmallStudy, uri: str) -> None:
    run_mirror(study, uri)
    runs = search(uri)
    run_id = runs["done"].info.run_id
    # of three points the first mse_x is infinite, and the last gives way to the final value
    assert [p.step for p in mlflow_client(uri).get_metric_history(run_id, "mse_x")] == [200, BUDGET]
    assert [p.step for p in mlflow_client(uri).get_metric_history(run_id, "critic_loss")] == [100, BUDGET]
    assert runs["gone"].data.metrics == {}
    assert runs["failed"].data.metrics == {}
    assert list(search(uri, "metrics.mse_x < 1e300")) == ["done"]
    assert list(search(uri, "tags.outcome = 'DIVERGED'")) == ["gone"]


def test_mirror_adds_nothing_the_second_time(
    study: SmallStudy, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_mirror(study, uri)
    before = {key: run.info.run_id for key, run in search(uri).items()}
    capsys.readouterr()
    assert run_mirror(study, uri) == 0
    assert capsys.readouterr().out.startswith("mirrored: 0 written, 3 runs of toy_robustness")
    assert {key: run.info.run_id for key, run in search(uri).items()} == before


def test_mirror_tells_versions_of_an_objective_apart(study: SmallStudy, uri: str) -> None:
    study.add([row("changed", objective_version=2)])
    assert run_mirror(study, uri) == 0
    runs = search(uri)
    assert sorted(runs) == ["changed", "done", "failed", "gone"]
    assert runs["changed"].info.run_name == runs["done"].info.run_name
    assert list(search(uri, "tags.objective_version = '2'")) == ["changed"]
    assert sorted(search(uri, "tags.objective_version = '1'")) == ["done", "failed", "gone"]


def test_mirror_leaves_runs_that_it_wrote_before_there_were_versions(
    study: SmallStudy, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_mirror(study, uri)
    before = {key: run.info.run_id for key, run in search(uri).items()}
    for run_id in before.values():
        mlflow_client(uri).delete_tag(run_id, "objective_version")
    study.add([row("changed", objective_version=2)])
    capsys.readouterr()
    assert run_mirror(study, uri) == 0
    assert capsys.readouterr().out.startswith("mirrored: 1 written, 4 runs")
    assert {key: run.info.run_id for key, run in search(uri).items() if key != "changed"} == before


def test_mirror_adds_only_rows_that_are_new(
    study: SmallStudy, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_mirror(study, uri)
    study.add([row("more", seed=3), row("stopped", "STOPPED", seed=4, iterations=150)], curve("more"))
    capsys.readouterr()
    assert run_mirror(study, uri) == 0
    assert capsys.readouterr().out.startswith("mirrored: 2 written, 5 runs")
    assert search(uri)["stopped"].info.status == "FINISHED"


def test_mirror_repairs_runs_when_one_was_killed_halfway(study: SmallStudy, uri: str) -> None:
    run_mirror(study, uri)
    mlflow = mlflow_client(uri)
    experiment_id = mlflow.get_experiment_by_name("toy_robustness").experiment_id
    mlflow.delete_run(search(uri)["gone"].info.run_id)
    for run_key in ("gone", "done"):  # one that stands alone, one beside the complete run
        mlflow.create_run(experiment_id, tags={"kind": "run", "run_key": run_key, "outcome": "COMPLETED"})
    assert run_mirror(study, uri) == 0
    runs = search(uri)
    assert Counter(run.info.status for run in runs.values()) == {"FINISHED": 2, "FAILED": 1}
    assert runs["done"].data.metrics["mse_x"] == 0.02


def test_mirror_replaces_a_failed_run_when_a_finished_row_supersedes_it(study: SmallStudy, uri: str) -> None:
    run_mirror(study, uri)
    study.add([row("failed", seed=2, lam=1.0, finished_at=STARTED + timedelta(hours=1))])
    assert run_mirror(study, uri) == 0
    run = search(uri)["failed"]
    assert (run.info.status, run.data.tags["outcome"]) == ("FINISHED", "COMPLETED")
    assert "error" not in run.data.tags


def test_mirror_rebuilds_a_lost_store(study: SmallStudy, uri: str, tmp_path: Path) -> None:
    run_mirror(study, uri)
    new = f"sqlite:///{tmp_path}/a folder/not there/mlflow.db"
    assert run_mirror(study, new) == 0
    assert sorted(search(new)) == sorted(search(uri)) == ["done", "failed", "gone"]


def test_mirror_restores_an_experiment_that_was_deleted(study: SmallStudy, uri: str) -> None:
    run_mirror(study, uri)
    mlflow_client(uri).delete_experiment(
        mlflow_client(uri).get_experiment_by_name("toy_robustness").experiment_id
    )
    assert run_mirror(study, uri) == 0
    assert len(search(uri)) == 3


def test_mirror_carries_the_report_and_again_only_when_it_changed(study: SmallStudy, uri: str) -> None:
    page = study.directory / "report" / "report.html"
    (page.parent / "figures").mkdir(parents=True)
    (page.parent / "figures" / "mse.svg").write_text("<svg/>")
    written = []
    for content in ("one", "one", "two"):
        page.write_text(content)
        assert run_mirror(study, uri) == 0
        (run,) = search(uri, "tags.kind = 'report'").values()
        assert (run.info.run_name, run.info.status) == ("report", "FINISHED")
        written.append((run.info.run_id, run.info.end_time))
    assert written[0] == written[1]
    assert written[1][0] == written[2][0]
    paths = [
        file.path
        for folder in ("", "figures")
        for file in mlflow_client(uri).list_artifacts(run.info.run_id, folder)
    ]
    assert paths == ["figures", "report.html", "figures/mse.svg"]
    assert Path(mlflow_client(uri).download_artifacts(run.info.run_id, "report.html")).read_text() == "two"


def test_mirror_of_an_empty_study_is_complete(tmp_path: Path, uri: str) -> None:
    assert run_mirror(SmallStudy(tmp_path / "empty"), uri) == 0
    assert search(uri) == {}


def test_mirror_keeps_artifacts_beside_the_database(study: SmallStudy, uri: str, tmp_path: Path) -> None:
    run_mirror(study, uri)
    location = mlflow_client(uri).get_experiment_by_name("toy_robustness").artifact_location
    assert location == (tmp_path / "mlartifacts" / "toy_robustness").as_uri()


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.1, "0.1"), (1.0, "1"), (0.0, "0"), (0.01, "0.01"), (1e-5, "1e-05"), (10.0, "10"), (1 / 3, "0.3333333333333333"), (3, "3"), ("a.0", "a.0")],
)  # fmt: skip
def test_text_is_the_shortest_exact_form(value: object, expected: str) -> None:
    assert text(value) == expected


@pytest.mark.parametrize(("results", "uri"), [("nowhere", None), (None, "mlruns"), (None, "sqlite://")])
def test_mirror_says_one_line_when_its_input_is_bad(
    results: str | None,
    uri: str | None,
    study: SmallStudy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = mirror.Options(results or study.uri, tracking_uri=uri or f"sqlite:///{tmp_path}/mlflow.db")
    assert mirror.main(options) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert (results or repr(uri)) in captured.err
    assert not (tmp_path / "mlflow.db").exists()


def test_mirror_leaves_the_work_to_another_one_when_it_is_at_it(
    study: SmallStudy, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from sweeps.tracking.writing.locks import locked

    with locked(f"{uri} toy_robustness"):
        assert run_mirror(study, uri) == 3
    assert "another mirror of toy_robustness" in capsys.readouterr().out


def runs_of(uri: str) -> list[tuple[str, str, str]]:
    """Run id, run key and origin of every run of the experiment that is not deleted."""
    mlflow = mlflow_client(uri)
    found = mlflow.search_runs([mlflow.get_experiment_by_name("toy_robustness").experiment_id])
    return [
        (run.info.run_id, run.data.tags.get("run_key", "report"), run.data.tags.get("origin", ""))
        for run in found
    ]


def test_mirrors_of_two_directories_of_one_study_leave_each_other_alone(
    study: SmallStudy, uri: str, tmp_path: Path
) -> None:
    other = SmallStudy(tmp_path / "other" / "toy_robustness")
    other.add([row("done", finished_at=STARTED + timedelta(hours=2)), row("gone", "FAILED", seed=1)])
    for one in (study, other):
        (one.directory / "report").mkdir()
        (one.directory / "report" / "report.html").write_text(str(one.directory))
        assert run_mirror(one, uri) == 0
    both = sorted(runs_of(uri))
    assert Counter(key for _, key, _ in both) == {"done": 2, "gone": 2, "failed": 1, "report": 2}
    assert len({origin for _, _, origin in both}) == 2
    for one in (study, other, study):
        assert run_mirror(one, uri) == 0
        assert sorted(runs_of(uri)) == both


def test_mirror_of_a_copied_directory_adds_no_run_and_deletes_none(
    study: SmallStudy, uri: str, tmp_path: Path
) -> None:
    run_mirror(study, uri)
    before = sorted(runs_of(uri))
    copy = tmp_path / "copy"
    shutil.copytree(study.directory, copy, copy_function=shutil.copyfile)
    assert mirror.main(mirror.Options(str(copy), tracking_uri=uri)) == 0
    assert sorted(runs_of(uri)) == before


def test_mirror_neither_deletes_nor_doubles_runs_from_before_there_were_origins(
    study: SmallStudy, uri: str, tmp_path: Path
) -> None:
    run_mirror(study, uri)
    for run_id, _, _ in runs_of(uri):
        mlflow_client(uri).delete_tag(run_id, "origin")
    before = {run_id for run_id, _, _ in runs_of(uri)}
    assert run_mirror(study, uri) == 0
    assert {run_id for run_id, _, _ in runs_of(uri)} == before
    other = SmallStudy(tmp_path / "other" / "toy_robustness")
    other.add([row("done", finished_at=STARTED + timedelta(hours=2))])
    assert run_mirror(other, uri) == 0
    assert before < {run_id for run_id, _, _ in runs_of(uri)}


def test_mirror_passes_over_files_that_others_put_there(study: SmallStudy, uri: str) -> None:
    for folder in ("runs", "curves"):
        (study.directory / folder / "._done.parquet").write_bytes(b"of a Mac")
    (study.directory / "report").mkdir()
    (study.directory / "report" / "._report.html").write_bytes(b"of a Mac")
    assert run_mirror(study, uri) == 0
    assert sorted(search(uri)) == ["done", "failed", "gone"]
    assert search(uri, "tags.kind = 'report'") == {}


def test_mirror_goes_on_where_a_study_is_extended_by_a_hyper_parameter(tmp_path: Path, uri: str) -> None:
    study = SmallStudy(tmp_path / "toy_robustness")
    study.add([row("before")])
    rows = StudyRows(study.uri)
    work = Mirror(rows, uri)
    work.step()
    origin = rows.origin
    made = (study.directory / MANIFEST).stat().st_mtime_ns
    wider = {**MANIFEST_OF_STUDY.hyper_parameters, "decay": "float"}
    manifest = replace(MANIFEST_OF_STUDY, hyper_parameters=wider, absent={"decay": 0.0}, made=str(made))
    (study.directory / MANIFEST).write_text(manifest.to_json())
    os.utime(study.directory / MANIFEST, ns=(made + 10**9, made + 10**9))
    schema = runs_schema(wider)
    pq.write_table(
        pa.Table.from_pylist([row("after", decay=0.1)], schema=schema),
        study.directory / "runs" / "wider.parquet",
    )
    work.step()
    assert work.remaining == []
    runs = search(uri)
    assert (runs["before"].data.tags["origin"], runs["after"].data.tags["origin"]) == (str(made), str(made))
    assert runs["after"].data.params["decay"] == "0.1"
    assert StudyRows(study.uri).origin == origin


def test_a_run_without_lambda_has_neither_a_parameter_nor_a_name_of_it(tmp_path: Path, uri: str) -> None:
    study = SmallStudy(tmp_path / "toy_robustness")
    own = {"gan": {}, "aavae": {"temperature": 1.5}}
    (study.directory / MANIFEST).write_text(replace(MANIFEST_OF_STUDY, own=own).to_json())
    study.add([row("with"), row("without", algorithm="gan", lam=0.0), row("warm", algorithm="aavae:temperature=3", lam=0.0)])  # fmt: skip
    assert run_mirror(study, uri) == 0
    assert list(search(uri, "params.lam = '0.1'")) == ["with"]
    assert list(search(uri, "params.algorithm = 'gan'")) == ["without"]
    runs = search(uri)
    assert runs["without"].info.run_name == "gan #0417 seed 0"
    assert "lam" not in runs["without"].data.params
    assert "lam" not in runs["warm"].data.params
    assert runs["warm"].data.params["temperature"] == "3"
