"""Drills 16 to 20: studies of images with convolutional networks survive what the toy's do.

The study is `sweeps/image_lambda.py`, its networks small, on images of somebody's own (`tests.drills.few_digits`).
"""

from __future__ import annotations

import json
import shutil
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from result_pictures import EXEMPLARS, Pictures, read_pictures
from result_reading import read_curves, read_runs
from sweeps.cli import rerun
from sweeps.tracking import mirror
from sweeps.tracking.shown.exemplars import TAG
from tests.drills.few_digits import write_digits
from tests.drills.harness import Drill, record, until
from tests.sweeps.small_study import mlflow_client
from tests.sweeps.test_end_to_end import mlflow_runs

pytestmark = pytest.mark.drill
DATA = "tests.drills.few_digits:FewDigits"
FOLDER = "image_lambda-FewDigits"
SMALL = ("--preset", "smoke", "--data", DATA, "--set", "channels", "4", "--lambdas", "0.1")
GRID = ("--set", "mlp_width", "8", "--set", "learning_rate", "3e-4", "1e-3", "--iterations", "240")
FOUR = ("--algorithms", "svae_r", "--metrics", "frechet_distance",
        "--set", "mlp_width", "4", "8", "--set", "learning_rate", "3e-4", "1e-3")  # fmt: skip
RUNS = 4
OF_THE_TRAINING = {"train_seconds", "started_at", "finished_at", "cohort_key", "cohort_size"}
"""Columns of rows that say when and beside whom a run was trained."""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root folder of image data."""
    root = tmp_path_factory.mktemp("images")
    write_digits(root)
    return root


@pytest.fixture(scope="module")
def clean(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Drill:
    """The grid, trained by one driver that nothing disturbs."""
    drill = drill_of(tmp_path_factory.mktemp("drill") / "clean", images, *GRID)
    drill.finish()
    return drill


def drill_of(where: Path, images: Path, *arguments: str, folder: str = FOLDER, **intervals: float) -> Drill:
    """A study of these images."""
    drill = Drill(where, *SMALL, "--data-dir", str(images), *arguments, **intervals)
    drill.results = where / "results" / folder
    drill.environment["DRILL_STUDY"] = "sweeps.image_lambda"
    return drill


def results(drill: Drill) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """What is the same however a study was trained: rows, learning curves and pictures, in the order of run keys."""
    rows = read_runs(str(drill.results)).to_pylist()
    kept = [{name: row[name] for name in row.keys() - OF_THE_TRAINING} for row in rows]
    curves = read_curves(str(drill.results)).to_pylist()
    drawn: Mapping[str, Pictures] = read_pictures(str(drill.results), [row["run_key"] for row in rows])
    pictures = {
        key: {kind: (array.shape, array.tobytes()) for kind, array in own.items()}
        for key, own in drawn.items()
    }
    return (
        sorted(kept, key=lambda row: row["run_key"]),
        sorted(curves, key=lambda point: (point["run_key"], point["iteration"])),
        pictures,
    )


def stored_pictures(drill: Drill) -> Counter[tuple[str, str]]:
    """(run key, kind) -> how many there are in the files."""
    tables = map(pq.read_table, sorted((drill.results / "pictures").glob("*.parquet")))
    return Counter((row["run_key"], row["kind"]) for table in tables for row in table.to_pylist())


def files(drill: Drill) -> dict[str, bytes]:
    """Stored contents of a study's runs."""
    folders = ("runs", "curves", "samples", "pictures")
    return {str(path): path.read_bytes() for name in folders for path in (drill.results / name).iterdir()}


def refused(drill: Drill) -> str:
    """The one line with which a driver refuses to work."""
    driver = drill.start()
    output, errors = driver.communicate(timeout=1200)
    assert driver.returncode == 2, output + errors
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1, errors
    return errors


def trained_again(drill: Drill, images: Path, run_key: str) -> int:
    """Exit code of training it alone from its record: 0 where it is equal to the bit."""
    return rerun.main(rerun.Options(run_key, str(drill.results), data_dir=str(images)))


def test_image_study_whose_driver_is_killed_ends_with_the_rows_and_pictures_of_an_undisturbed_one(
    clean: Drill, images: Path, tmp_path: Path
) -> None:
    drill = drill_of(tmp_path / "killed", images, *GRID, checkpoint_seconds=0.0)
    for _ in range(2):
        driver, before = drill.start(), len(drill.trained())
        until(lambda before=before: len(drill.trained()) > before + 2 and drill.states(), seconds=600)
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
        assert read_runs(str(drill.results)).num_rows < RUNS
    before, begun_at = len(drill.trained()), {}
    drill.finish()
    for block in drill.trained()[before:]:
        for run in block.runs:
            begun_at.setdefault(run, block.since)
    continued = [run for run, since in begun_at.items() if since]
    rows, curves, pictures = results(drill)
    assert {row["outcome"] for row in rows} == {"COMPLETED"}
    assert drill.stored_rows() == dict.fromkeys((row["run_key"] for row in rows), 1)
    assert len(rows) == RUNS
    assert set(stored_pictures(drill).values()) == {1}
    assert set(pictures) == {row["run_key"] for row in rows}
    assert drill.states() == []
    assert mlflow_runs(drill.where) == {(row["run_key"], "FINISHED"): 1 for row in rows}
    record(
        16, "Images: SIGKILL of the driver, twice, while convolutional networks with batch norm train",
        "all runs terminal, one row, one MLflow run and one set of pictures each, equal to the bit to an undisturbed study's",
        f"{len(rows)} of {RUNS} runs, {len(continued)} of them continued from a state; rows, {len(curves)} points of curves and "
        f"{len(stored_pictures(drill))} pictures equal",
        "test_images.py::test_image_study_whose_driver_is_killed_ends_with_the_rows_and_pictures_of_an_undisturbed_one",
    )  # fmt: skip
    assert continued
    assert (rows, curves, pictures) == results(clean)


def test_image_study_is_in_mlflow_once_with_the_pictures_that_its_report_shows(clean: Drill) -> None:
    shown = json.loads((clean.results / "report" / EXEMPLARS).read_text())
    client = mlflow_client(clean.tracking_uri)
    (experiment,) = [e for e in client.search_experiments() if e.name == FOLDER]

    def there() -> dict[str, tuple[str, str | None, list[str]]]:
        """Run key -> MLflow's run, its ranks and its images."""
        found = client.search_runs([experiment.experiment_id], "tags.kind = 'run'")
        by_key = {run.data.tags["run_key"]: run for run in found}
        assert len(by_key) == len(found) == RUNS
        return {
            key: (
                run.info.run_id,
                run.data.tags.get(TAG),
                sorted(file.path for file in client.list_artifacts(run.info.run_id, "images")),
            )
            for key, run in by_key.items()
        }

    before = there()
    assert mirror.main(mirror.Options(str(clean.results), tracking_uri=clean.tracking_uri)) == 0
    after = there()
    kinds = {kind for _, kind in stored_pictures(clean)}
    drawn = {key: images for key, (_, _, images) in after.items() if images}
    record(
        17, "Images: mirrored into MLflow, and again",
        "one MLflow run per row, pictures of the runs that the report shows, nothing twice",
        f"{len(after)} runs, {len(drawn)} of them with pictures of {', '.join(sorted(kinds))}; {sum(before[key] != after[key] for key in after)} changed "
        "by the second mirroring",
        "test_images.py::test_image_study_is_in_mlflow_once_with_the_pictures_that_its_report_shows",
    )  # fmt: skip
    assert after == before
    assert shown
    assert {key: ranks for key, (_, ranks, _) in after.items() if ranks} == {
        key: ", ".join(ranks) for key, ranks in shown.items()
    }
    assert set(drawn) == set(shown)
    for paths in drawn.values():
        assert Counter(kind for path in paths for kind in kinds if kind in path) == dict.fromkeys(kinds, 2)


def test_search_of_an_image_study_is_told_every_result(images: Path, tmp_path: Path) -> None:
    options = (*FOUR, "--search", "tpe", "--runs", "4", "--generation", "2", "--iterations", "20")
    drill = drill_of(tmp_path / "searched", images, *options, folder=f"{FOLDER}-search")
    output = drill.finish()
    rows = read_runs(str(drill.results)).to_pylist()
    best = min(row["frechet_distance"] for row in rows)
    again = drill.finish()
    record(
        18, "Images: a search for the least Fréchet distance, in two generations",
        "every run told, the best one reported, nothing to train for the same command again",
        f"{len(rows)} of 4 runs, the best at {best:.4g}",
        "test_images.py::test_search_of_an_image_study_is_told_every_result",
    )  # fmt: skip
    assert [row["outcome"] for row in rows] == ["COMPLETED"] * 4
    assert len({(row["mlp_width"], row["learning_rate"]) for row in rows}) == 4
    for printed in (output, again):
        assert f"best      svae_r λ=0.1: frechet_distance {best:.4g} with " in printed
    assert "4 stored, 0 to train" in again


def test_halved_image_study_continues_states_exactly_and_drops_them(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = (*FOUR, "--halving", "2", "--allow-biased-histograms", "--iterations", "40")
    drill = drill_of(tmp_path / "halved", images, *options)
    output = drill.finish()
    rows = read_runs(str(drill.results)).to_pylist()
    ended = Counter((row["outcome"], row["iterations"]) for row in rows)
    equal = sum(trained_again(drill, images, row["run_key"]) == 0 for row in rows)
    said = capsys.readouterr().out
    states = list((drill.results / "states").iterdir())
    record(
        19, "Images: successive halving by the Fréchet distance",
        "half of the runs stopped, the others continued from their states as if never stopped, no state left",
        f"{ended['COMPLETED', 40]} of 4 COMPLETED after a state at 20 of 40 iterations, {ended['STOPPED', 20]} STOPPED; {equal} of 4 equal to the bit to "
        f"runs trained alone and at once; {len(states)} states left",
        "test_images.py::test_halved_image_study_continues_states_exactly_and_drops_them",
    )  # fmt: skip
    assert ended == {("COMPLETED", 40): 2, ("STOPPED", 20): 2}
    assert "2 COMPLETED, 2 STOPPED" in output
    assert equal == 4, said
    assert states == []
    assert {key for key, _ in stored_pictures(drill)} == {
        row["run_key"] for row in rows if row["outcome"] == "COMPLETED"
    }


def test_image_files_that_are_gone_damaged_or_others_cost_nothing_that_is_stored(
    clean: Drill, images: Path, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    shutil.copytree(clean.where, study)
    shutil.copytree(images / "few_digits", tmp_path / "images/few_digits")  # with the times of the files
    drill = drill_of(study, tmp_path / "images", *GRID)
    before, file = files(drill), tmp_path / "images/few_digits/train-labels-idx1-ubyte"
    assert f"{RUNS} stored, 0 to train" in drill.finish()
    content = file.read_bytes()
    file.unlink()
    gone = refused(drill)
    file.write_bytes(content[:-1])
    damaged = refused(drill)
    shutil.rmtree(file.parent)
    write_digits(tmp_path / "images", first=500)
    others = drill.finish("--dry-run")
    shutil.rmtree(file.parent)
    write_digits(tmp_path / "images")
    again = drill.finish()
    record(
        20, "Images: a file is gone, cut, or another one between two calls",
        "one line and exit code 2, or other images trained beside; nothing lost, and as before when the file is back",
        f"exit code 2 with one line for 2 of 2 files; {len(before)} files of results as they were",
        "test_images.py::test_image_files_that_are_gone_damaged_or_others_cost_nothing_that_is_stored",
    )  # fmt: skip
    assert "must have its files train-labels-idx1-ubyte (or *.gz) in one of" in gone
    assert f"{file} is damaged" in damaged
    assert f"{RUNS} declared, 0 stored, {RUNS} to train" in others
    assert f"{RUNS} stored, 0 to train" in again
    assert files(drill) == before
