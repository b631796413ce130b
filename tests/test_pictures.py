"""Pictures of runs of image data: what a finished run keeps, how it is stored, and that a run trained again has the same."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from result_manifest import SchemaError
from result_pictures import read_pictures
from result_reading import read_runs, read_samples
from sweeps.avb_synthetic import STUDY
from sweeps.cli import open_study, rerun
from sweeps.store.store import Store
from tests.trainables import image_files
from trainables import datasets
from trainables.configurations import fitted
from trainables.datasets.files.root import VARIABLE
from trainables.engine.training import Result, Training
from trainables.models import pictures
from trainables.models.pictures import BUDGET, Counts, counts, of_images, points_kept
from trainables.runs import Run
from trainables.testing import USUAL

ORIGIN: dict[str, Any] = {
    "device": "cpu", "git_commit": "abc", "versions": {"torch": "2"}, "started_at": datetime(2026, 1, 1, tzinfo=UTC),
}  # fmt: skip


def trained(
    algorithm: str, data: str = "digits", seeds: int = 2, budget: int = 20, until: int | None = None
) -> list[Result]:
    """Results of so many seeds."""
    configuration = fitted(USUAL)
    runs = [Run("s", algorithm, 0.1, seed, configuration, budget, data=data) for seed in range(seeds)]
    training = Training(runs, metrics=["mse_x"], until=until)
    while not training.finished:
        training.advance()
    return training.results()


@pytest.mark.parametrize(
    ("algorithm", "kinds"),
    [
        ("svae_r", ["samples", "reconstructions", "interpolations"]),
        ("vae", ["samples", "reconstructions", "interpolations"]),
        ("gan", ["samples", "interpolations"]),
        ("cgan", ["samples", "interpolations"]),
    ],
)
def test_a_finished_run_of_images_keeps_pictures_of_all_its_networks_give(
    algorithm: str, kinds: list[str]
) -> None:
    shapes = {"samples": (64, 8, 8), "reconstructions": (32, 2, 8, 8), "interpolations": (8, 8, 8, 8)}
    for result in trained(algorithm):
        assert {kind: images.shape for kind, images in result.pictures.items()} == {
            kind: shapes[kind] for kind in kinds
        }
        assert {images.dtype for images in result.pictures.values()} == {np.dtype(np.uint8)}
        assert result.samples.shape == (256, 64)


def test_pictures_are_of_the_points_that_are_scored_and_of_the_first_test_points() -> None:
    (result, other) = trained("svae_r")
    np.testing.assert_array_equal(
        result.pictures["samples"].reshape(64, 64), np.rint(result.samples[:64].clip(0, 1) * 255)
    )
    test = datasets.find("digits").test[:32, :64].numpy()
    originals = result.pictures["reconstructions"][:, 0].reshape(32, 64)
    np.testing.assert_array_equal(originals, test * 255)
    np.testing.assert_array_equal(originals, other.pictures["reconstructions"][:, 0].reshape(32, 64))


def test_lines_between_test_points_end_at_their_reconstructions_when_the_decoder_has_no_noise() -> None:
    (result, _) = trained("vae")
    again = result.pictures["reconstructions"][:, 1]
    lines = result.pictures["interpolations"]
    # Rows of another batch may round to the neighbouring of 256 levels.
    for end, of in ((0, again[0:16:2]), (-1, again[1:16:2])):
        assert np.abs(lines[:, end].astype(int) - of.astype(int)).max() <= 1
    assert np.abs(np.diff(lines.astype(int), axis=1)).max() > 0


@pytest.mark.parametrize("data", ["mixture5", "eight_schools"])
def test_data_that_are_no_images_have_no_pictures(data: str) -> None:
    algorithm = "avb" if data == "eight_schools" else "svae_r"
    (result,) = trained(algorithm, data, seeds=1)
    assert not result.pictures
    assert len(result.samples) == 256


def test_a_run_that_is_stopped_keeps_no_pictures() -> None:
    (result,) = trained("svae_r", seeds=1, budget=40, until=20)
    assert result.stopped
    assert not result.pictures


@pytest.mark.parametrize("size", [4, 64, 192, 784, 1024, 3072, 12_288, 49_152, 196_608])
def test_pictures_of_a_run_fit_its_budget_and_larger_ones_are_fewer(size: int) -> None:
    found = counts(size)
    assert 0 < found.images * size <= BUDGET
    assert all(a <= b for a, b in zip(found, Counts(), strict=True))
    assert all(a >= b for a, b in zip(found, counts(2 * size), strict=True))
    # A third of 512 KiB are 14 images of 12,288 bytes: one line of 8, 7 pairs of 2, and 42 − 8 − 14 = 20 samples.
    assert counts(12_288) == Counts(samples=20, pairs=7, lines=1, steps=8)
    assert counts(784) == Counts()


def test_points_are_kept_as_numbers_too_where_images_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ("mixture5", "eight_schools", "four_images", "digits", "digits_grey")
    assert all(points_kept(datasets.find(name), 256) == 256 for name in before)
    digits = datasets.find("digits")
    assert of_images(digits)
    # 256 · 64 · 4 = 65,536 bytes of numbers, and 192 · 64 = 12,288 of pictures
    monkeypatch.setattr(pictures, "BUDGET", 65_536 + 12_288)
    assert points_kept(digits, 256) == 256
    monkeypatch.setattr(pictures, "BUDGET", 65_536 + 12_287)
    assert points_kept(digits, 256) == 0
    assert points_kept(datasets.find("mixture5"), 256) == 256
    (result,) = trained("gan", seeds=1)
    assert (len(result.samples), len(result.pictures["samples"])) == (0, 64)


def test_pictures_in_colour_have_the_shape_of_a_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "somebodys"))
    (result, _) = trained("vae", "my_lab.colours:Blobs")
    assert result.pictures["samples"].shape == (64, 3, 8, 8)
    assert result.pictures["interpolations"].shape == (8, 8, 3, 8, 8)
    first = datasets.find("my_lab.colours:Blobs").test[0, : 3 * 8 * 8].reshape(3, 8, 8).numpy()
    np.testing.assert_array_equal(result.pictures["reconstructions"][0, 0], np.rint(255 * first))


def test_of_large_images_pictures_alone_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image_files.write_idx(tmp_path / "mnist")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    (result, _) = trained("svae_r", "mnist")
    assert result.samples.shape == (0, 784)
    # As many samples as there are test points, which have the noise.
    assert {kind: images.shape for kind, images in result.pictures.items()} == {
        "samples": (image_files.TEST, 28, 28),
        "reconstructions": (32, 2, 28, 28),
        "interpolations": (8, 8, 28, 28),
    }
    bytes_of_files = image_files.pixels(image_files.TEST, 28, 28)
    np.testing.assert_array_equal(result.pictures["reconstructions"][:, 0], bytes_of_files[:32])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(str(tmp_path / "s"))
    store.create("s", "?", data="digits", algorithms=["svae_r"])
    return store


def test_pictures_are_stored_before_rows_and_read_back_by_run(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = trained("svae_r")
    written: list[str] = []
    write = Store.write_table
    monkeypatch.setattr(Store, "write_table", lambda self, name, *a: (written.append(name), write(self, name, *a)))  # fmt: skip
    store.write(results, "c0", **ORIGIN)
    assert written == [f"{folder}/c0.parquet" for folder in ("curves", "samples", "pictures", "runs")]
    keys = [result.run.key for result in results]
    found = read_pictures(store.uri, [keys[1], "another"])
    assert list(found) == keys[1:]
    for kind, images in results[1].pictures.items():
        np.testing.assert_array_equal(found[keys[1]][kind], images)
    assert read_pictures(store.uri, []) == {}
    assert read_samples(store.uri).num_rows == read_runs(store.uri).num_rows == 2


def test_pictures_of_one_run_are_read_without_those_of_others(store: Store) -> None:
    store.write(trained("svae_r", seeds=9), "c0", **ORIGIN)
    file = pq.ParquetFile(Path(store.path) / "pictures" / "c0.parquet")
    assert file.num_row_groups == 3  # 9 runs of 3 kinds each, 12 rows in a group


def test_a_damaged_file_of_pictures_is_said_and_not_passed_over(store: Store) -> None:
    store.write(trained("svae_r"), "c0", **ORIGIN)
    (Path(store.path) / "pictures" / "c0.parquet").write_bytes(b"PAR1 half")
    with pytest.raises(SchemaError, match=r"must be a table of pictures, but it is damaged"):
        read_pictures(store.uri, ["any"])


def test_a_run_trained_again_has_its_pictures_to_the_bit(store: Store) -> None:
    results = trained("svae_r")
    store.write(results, "c0", **ORIGIN)
    run, row = rerun.find(store.uri, results[1].run.key)
    again, _ = rerun.train(run, run.budget, "cpu", ["mse_x"])
    stored = read_pictures(store.uri, [run.key])[run.key]
    metrics = [one for one in store.manifest.metrics if one.name == "mse_x"]
    assert rerun.differences(row, again, metrics, stored) == {}
    other = {**stored, "samples": 255 - stored["samples"]}
    assert list(rerun.differences(row, again, metrics, other)) == ["samples"]


def test_an_opened_study_gives_the_pictures_of_a_run(tmp_path: Path) -> None:
    study = open_study(STUDY, results=str(tmp_path))
    store = Store(study.uri)
    store.create(study.name, "?", data="digits", algorithms=["gan"])
    results = trained("gan")
    store.write(results, "c0", **ORIGIN)
    found = study.pictures(results[0].run.key)
    assert list(found) == ["samples", "interpolations"]
    np.testing.assert_array_equal(found["samples"], results[0].pictures["samples"])
    with pytest.raises(
        ValueError, match=r"of which pictures are stored must be one of .* got 'none'; one that diverged"
    ):
        study.pictures("none")
