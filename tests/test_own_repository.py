"""Parts from a repository of somebody's own: named by import path or contributed by an installed package, nothing edited here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import part_registry
from result_manifest import read_manifest
from result_reading import read_runs
from sweeps.cli import rerun
from trainables import datasets, objectives

ROOT = Path(__file__).parents[1]
SOMEBODYS = Path(__file__).parent / "somebodys"
INSTALLED = SOMEBODYS / "installed"
"""What pip writes beside an installed package: its entry points."""
HINGE = "my_lab.losses:Hinge"
SCRIPT = ROOT / "sweeps" / "toy_robustness.py"


@pytest.fixture
def my_lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(SOMEBODYS))
    objectives.find.cache_clear()
    yield
    objectives.find.cache_clear()
    objectives.available.cache_clear()


@pytest.fixture
def installed(my_lab: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(INSTALLED))
    datasets.available.cache_clear()
    yield
    datasets.available.cache_clear()


@pytest.mark.usefixtures("my_lab")
def test_an_objective_is_found_by_its_import_path_with_values_of_its_own() -> None:
    usual, wide = objectives.find(HINGE), objectives.find(f"{HINGE}:margin=2")
    assert (usual.name, usual.own) == (HINGE, {"margin": 1.0})
    assert (wide.name, wide.own) == (f"{HINGE}:margin=2", {"margin": 2.0})
    assert usual.changed({"margin": 2}).name == wide.name
    assert wide.changed({"margin": 1}).name == HINGE
    assert objectives.find(f"{HINGE}:margin=1.0").name == HINGE
    assert "hinge" not in objectives.available()


@pytest.mark.usefixtures("my_lab")
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("my_lab.losses:Hing", "module 'my_lab.losses' has no attribute 'Hing'"),
        ("my_lab.loses:Hinge", "No module named 'my_lab.loses'"),
        ("my_lab.broken:Hinge", "RuntimeError: no licence for this machine"),
        (
            "my_lab.losses:loss",
            "must be a subclass of trainables.objectives.base:Objective with a name and nothing abstract",
        ),
        (
            "my_lab.losses:Unfinished",
            "must be a subclass of trainables.objectives.base:Objective with a name and nothing abstract",
        ),
        ("my_lab.losses:Nameless", "must be a subclass of trainables.objectives.base:Objective with a name"),
        (f"{HINGE}:margin=-1", "margin must be > 0.0, got -1.0"),
        (f"{HINGE}:slack=1", "has the hyper-parameters margin of its own, got 'slack'"),
    ],
)
def test_what_is_no_objective_is_refused_in_one_line(path: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*$") as error:
        objectives.find(path)
    assert message in str(error.value)


def points(monkeypatch: pytest.MonkeyPatch, *paths: str) -> None:
    found = [EntryPoint(f"e{i}", path, "generative_robustness.objectives") for i, path in enumerate(paths)]
    monkeypatch.setattr(
        part_registry, "entry_points", lambda group: found if group.endswith(".objectives") else []
    )
    objectives.available.cache_clear()


@pytest.mark.usefixtures("my_lab")
def test_an_installed_package_contributes_its_objectives_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    points(monkeypatch, HINGE)
    assert objectives.find("hinge:margin=2").own == {"margin": 2.0}
    assert "hinge" in objectives.trainable("mixture5")


@pytest.mark.usefixtures("my_lab")
def test_two_parts_of_one_name_are_refused_and_both_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "others.py").write_text(
        "from my_lab.losses import Nameless\n\n\nclass Mine(Nameless):\n    name, label = 'hinge', 'Mine'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    points(monkeypatch, HINGE, "others:Mine")
    with pytest.raises(
        ValueError, match=r"got 'hinge' of my_lab\.losses:Hinge and of others:Mine; rename one"
    ):
        objectives.available()


def command(where: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (SOMEBODYS, INSTALLED, ROOT)))}
    return subprocess.run(
        [sys.executable, *arguments], cwd=where, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.usefixtures("installed")
def test_a_study_trains_reports_and_repeats_an_objective_known_by_path_on_data_of_an_installed_package(
    tmp_path: Path, empty_database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(empty_database, tmp_path)
    done = command(
        tmp_path, str(SCRIPT), "--preset", "smoke", "--limit", "1", "--seeds", "2", "--iterations", "20", "--algorithms", HINGE, "alice",
        "--set", "margin", "1", "2", "--data", "ring",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    directory = str(tmp_path / "results" / "toy_robustness-ring")
    rows = read_runs(directory).to_pylist()
    assert {row["algorithm"] for row in rows} == {HINGE, f"{HINGE}:margin=2", "alice"}
    assert {(row["outcome"], row["data_version"]) for row in rows} == {("COMPLETED", "ring-v1")}
    assert len(rows) == 6
    assert len({row["mse_x"] for row in rows}) >= 4  # where |f| stays below 1 the margin changes no gradient
    assert read_manifest(directory).labels[HINGE] == "Hinge"
    summary = (Path(directory) / "report" / "summary.md").read_text()
    assert "Hinge (margin = 2)" in summary
    assert "Hinge better" in summary  # paired with what its class compares it with
    wide = next(row["run_key"] for row in rows if "margin" in row["algorithm"])
    assert rerun.main(rerun.Options(wide, directory)) == 0
    assert "equal to the bit" in capsys.readouterr().out


def test_a_study_refuses_a_section_that_cannot_be_imported_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from dataclasses import replace\nfrom sweeps.cli import main\nfrom sweeps.toy_robustness import STUDY\n\n"
        "if __name__ == '__main__':\n    main(replace(STUDY, sections=('my_lab.broken:Cost',)))\n"
    )
    done = command(tmp_path, "mine.py", "--preset", "smoke")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no licence for this machine" in done.stderr
    assert not (tmp_path / "results").exists()


def test_a_study_refuses_a_path_that_is_none_before_anything_is_written(tmp_path: Path) -> None:
    done = command(tmp_path, str(SCRIPT), "--preset", "smoke", "--algorithms", "my_lab.broken:Hinge", "alice")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no licence for this machine" in done.stderr
    assert not (tmp_path / "results").exists()


def test_a_study_refuses_an_installed_section_that_cannot_be_imported_before_anything_is_written(
    tmp_path: Path,
) -> None:
    information = tmp_path / "others-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[generative_robustness.sections]\ncost = my_lab.broken:Cost\n"
    )
    (tmp_path / "mine.py").write_text(SCRIPT.read_text())
    done = command(tmp_path, "mine.py", "--preset", "smoke")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no licence for this machine" in done.stderr
    assert not (tmp_path / "results").exists()
