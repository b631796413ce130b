"""A study of images from its files to its rows: who trains the classifier, and what the rows say of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from result_manifest import read_manifest
from result_reading import read_curves, read_runs
from sweeps.cli import main
from sweeps.study import Preset, Study
from tests.trainables import image_files

STUDY = Study(
    name="seen",
    question="Are its images measured?",
    data="mnist",
    algorithms=("gan",),
    headline=("frechet_distance", "inception_score"),
    space={
        "depth": (1,), "critic_depth": (1,), "width": (32,), "batch_size": (32,), "steps": (1,), "learning_rate": (1e-3,), "beta1": (0.5,), "critic_dropout": (0.0,),
    },
    presets={"smoke": Preset(iterations=20, lambdas=(0.0,))},
)  # fmt: skip


class Rows(nn.Module):
    """Means of the rows of an image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((1, 3))


def train(folder: Path, *more: str) -> Path:
    """Runs the study on a few made images; its results."""
    root = folder / "data"
    if not root.exists():
        image_files.WRITERS["mnist"](root)
    results = folder / f"results{len(more)}"
    with pytest.raises(SystemExit) as ended:
        main(STUDY, ["--preset", "smoke", "--data-dir", str(root), "--results", str(results), "--tracking-uri",
                     f"sqlite:///{folder}/mlflow.db", *more])  # fmt: skip
    assert ended.value.code == 0
    return results / "seen"


@pytest.mark.slow
def test_driver_trains_the_classifier_once_and_rows_say_which_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    results = train(tmp_path)
    said = capsys.readouterr().out
    assert said.count("prepare   classifier is right for") == 1
    (row,) = read_runs(str(results)).to_pylist()
    (path,) = tmp_path.rglob("classifier-*.npz")
    assert json.loads(row["versions"])["features"].startswith("classifier ")
    assert path.exists()
    assert {"frechet_distance", "precision", "kernel_distance"} <= {
        metric.name for metric in read_manifest(str(results)).metrics
    }
    assert row["frechet_distance"] > 0
    assert 0 <= row["coverage"] <= 1
    curve = read_curves(str(results)).to_pylist()
    assert all(point["frechet_distance"] is not None for point in curve)

    with pytest.warns(DeprecationWarning, match="torch.jit.s"):
        torch.jit.script(Rows()).save(str(tmp_path / "rows.pt"))
    other = train(tmp_path, "--features", str(tmp_path / "rows.pt"))
    (measured_otherwise,) = read_runs(str(other)).to_pylist()
    assert "rows.pt, SHA-256" in str(measured_otherwise["versions"])
    assert measured_otherwise["run_key"] == row["run_key"]
    assert measured_otherwise["inception_score"] == row["inception_score"]
    assert measured_otherwise["frechet_distance"] != row["frechet_distance"]
