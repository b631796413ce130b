"""Studies of image data: asked for before Ray starts, named in every folder and row, read by every trial."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from result_manifest import read_manifest
from result_reading import read_runs
from sweeps import image_lambda, image_likelihood, image_zoo
from sweeps.cli import data, main, open_study, study_command
from sweeps.study import Study, outside
from sweeps.study.variants import placed
from sweeps.toy_robustness import STUDY
from tests.trainables import image_files
from trainables import datasets
from trainables.datasets.files.root import VARIABLE

ROOT = Path(__file__).parents[2]
VARIANT = "fashion_mnist:representation=binary,part=0.5"
FOLDER = "results/toy_robustness-fashion_mnist-representation-binary-part-0_5"


@pytest.mark.parametrize(
    ("study", "options"),
    [
        (STUDY, ["--data", "mnist"]),
        (STUDY, ["--data", "mnist:part=0.1", "--dry-run"]),
        (replace(image_lambda.STUDY, data="mnist"), []),
        (replace(image_lambda.STUDY, data="mnist"), ["--search", "tpe", "--metrics", "mse_x"]),
    ],
)
def test_files_that_are_missing_are_asked_for_before_ray_starts_and_nothing_is_written(
    study: Study,
    options: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("images").mkdir()
    monkeypatch.setattr(study_command, "beside", lambda *_: pytest.fail("Ray starts"))
    with pytest.raises(SystemExit) as end:
        main(study, ["--preset", "smoke", *options, "--data-dir", "images"])
    assert end.value.code == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("error: mnist must have its files train-images-idx3-ubyte, ")
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert [str(path) for path in Path().rglob("*")] == ["images"]


def test_a_folder_that_is_none_is_refused_whatever_the_data_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(STUDY, ["--preset", "smoke", "--data-dir", "images"])
    assert end.value.code == 2
    assert (
        f"--data-dir, or else {VARIABLE}, must be a folder, got '{tmp_path}/images'"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("fashion_mnist", "toy_robustness-fashion_mnist"),
        ("fashion_mnist:representation=scaled", "toy_robustness-fashion_mnist"),
        (VARIANT, "toy_robustness-fashion_mnist-representation-binary-part-0_5"),
        ("fashion_mnist:part=0.50,representation=binary", "toy_robustness-fashion_mnist-representation-binary-part-0_5"),
    ],
)  # fmt: skip
def test_a_study_on_a_variant_has_a_folder_of_its_own_however_it_is_written(name: str, folder: str) -> None:
    study = placed(STUDY, name, None)
    assert study.name == folder
    assert study.data == datasets.find(name).name


def test_nodes_must_have_the_images_that_the_driver_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seed in (("here", 0), ("there", 1)):
        image_files.write_idx(tmp_path / name / "MNIST/raw", seed=seed)
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "here"))
    parts = outside.of(replace(STUDY, data="mnist"), ["vae"])
    version = datasets.find("mnist").version
    assert parts == [("datasets", "mnist", version)]
    assert outside.missing(parts, str(tmp_path / "here")) == outside.missing(parts) == ""
    other = outside.missing(parts, str(tmp_path / "there"))
    assert other.startswith(f"mnist must be of version {version}, got mnist-")
    assert "mnist must have its files" in outside.missing(parts, str(tmp_path / "empty"))
    assert outside.of(STUDY, ["vae"]) == []


def test_command_says_which_images_are_here_and_where_the_others_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image_files.WRITERS["cifar10"](tmp_path)
    image_files.WRITERS["mnist"](tmp_path)
    (tmp_path / "MNIST/raw/train-labels-idx1-ubyte").unlink()
    assert data.main(data.Options(data_dir=str(tmp_path))) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"folder    {tmp_path}; ")
    assert f"here      cifar10: {tmp_path}/cifar-10-batches-bin" in lines
    assert (
        "not here  mnist: MNIST/raw/ lacks train-labels-idx1-ubyte (or *.gz); from yann.lecun.com/exdb/mnist"
        in lines
    )
    assert any(
        line.startswith(
            "not here  celeba: celeba/ is for list_eval_partition.txt, img_align_celeba; from mmlab"
        )
        for line in lines
    )
    assert not (tmp_path / "prepared").exists()
    assert data.main(data.Options(data_dir=str(tmp_path / "nowhere"))) == 2
    assert data.main(data.Options(data_dir=str(tmp_path), prepare=("svhn",))) == 2
    assert "svhn must have its files train_32x32.mat, test_32x32.mat in one of" in capsys.readouterr().err
    image_files.WRITERS["celeba"](tmp_path)
    assert data.main(data.Options(data_dir=str(tmp_path), prepare=("celeba",))) == 0
    assert (tmp_path / "prepared/celeba/prepared.json").exists()


@pytest.mark.parametrize("study", [image_lambda.STUDY, image_likelihood.STUDY, image_zoo.STUDY])
def test_every_system_of_a_study_of_images_has_networks_that_fit(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    image_files.write_idx(Path("images/FashionMNIST/raw"), train=64)
    with pytest.raises(SystemExit) as end:
        main(study, ["--preset", "smoke", "--dry-run", "--set", "channels", "4", "--data-dir", "images"])
    assert end.value.code == 0
    assert " to train" in capsys.readouterr().out.splitlines()[0]


@pytest.mark.slow
def test_study_of_images_is_trained_recalled_and_trained_again_from_its_rows(tmp_path: Path) -> None:
    image_files.write_idx(tmp_path / "images/FashionMNIST/raw", ".gz", train=512)
    small = ["--preset", "smoke", "--limit", "1", "--iterations", "20", "--algorithms", "vae", "gan"]
    options = [*small, "--data", VARIANT, "--data-dir", "images", "--tracking-uri", "sqlite:///mlflow.db"]
    script = str(ROOT / "sweeps/toy_robustness.py")

    def python(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "2 runs declared, 0 stored, 2 to train" in python(script, *options)
    rows = read_runs(str(tmp_path / FOLDER)).to_pylist()
    assert {row["outcome"] for row in rows} == {"COMPLETED"}
    assert read_manifest(str(tmp_path / FOLDER)).data == VARIANT
    (version,) = {row["data_version"] for row in rows}
    assert version.startswith(f"{VARIANT}-")
    again = "sweeps.cli.rerun", rows[0]["run_key"], "--results", FOLDER, "--data-dir", "images"
    assert "equal to the bit; the environment is the same" in python("-m", *again)
    assert "2 runs declared, 2 stored, 0 to train" in python(script, *options)
    assert (tmp_path / FOLDER / "report/report.html").exists()
    image_files.write_idx(tmp_path / "images/FashionMNIST/raw", ".gz", train=512, seed=1)  # other images
    assert "2 runs declared, 0 stored, 2 to train" in python(script, *options, "--dry-run") + python(
        script, *options
    )
    assert len(read_runs(str(tmp_path / FOLDER))) == 4


@pytest.mark.slow
def test_study_in_python_takes_the_folder_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    image_files.write_idx(tmp_path / "images/MNIST/raw", train=512)
    study = open_study(STUDY, data="mnist", data_dir="images", tracking_uri="sqlite:///mlflow.db")
    study.run(preset="smoke", limit=1, iterations=20, algorithms=["gan"])
    assert study.rows()["outcome"].tolist() == ["COMPLETED"]
    assert study.rows()["data_version"].str.startswith("mnist-").all()
