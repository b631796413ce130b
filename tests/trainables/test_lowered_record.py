"""Lowered losses are recalled from the cache, and never when anything that they depend on is another."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from tests.trainables.factory import run
from trainables import cache, objectives
from trainables.engine.native import build
from trainables.engine.native import record as lowered_record
from trainables.engine.native.lowering import Lowered
from trainables.models.batch import Batch
from trainables.objectives.base import JointObjective

pytestmark = pytest.mark.skipif(build.library() is None, reason="needs a C++ compiler")
ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys, time
import trainables
trainables.LOADED_AT = time.time() + 60  # as if the files had been there for a while
from tests.trainables.factory import run
from trainables.engine.native import block as native_block, lowering
from trainables.engine.cohort import Cohort
import torch
lower = lowering.lower
lowering.lower = lambda *arguments: print("traced") or lower(*arguments)
cohort = Cohort([run("svae_r", width=int(sys.argv[1]))], torch.device("cpu"))
assert cohort.native
print(native_block._lowered(cohort, "autoencoder", "svae_r").source)
print("compiler loaded", "torch._dynamo" in sys.modules)
"""


class Elsewhere(JointObjective):
    """Is defined by no file of the package."""

    name: ClassVar[str] = "elsewhere"
    label: ClassVar[str] = "elsewhere"
    weight: ClassVar[float] = 1.0

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        return self.weight * batch.R_x


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the sources, with a cache of its own that has the kernels."""
    (tmp_path / "cache/generative-robustness").mkdir(parents=True)
    shutil.copy2(build.kernels(), tmp_path / "cache/generative-robustness")
    for name in ("trainables", "tests"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "conftest.py")
        )
    return tmp_path


def lowered(project: Path, width: int = 32) -> str:
    """Prints of a process that needs the autoencoder's loss of svae_r."""
    environment = {**os.environ, "PYTHONPATH": str(project), "XDG_CACHE_HOME": str(project / "cache")}
    command = [sys.executable, "-c", PROGRAM, str(width)]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment, cwd=project
    ).stdout


def test_loss_is_traced_once_for_all_widths_and_processes_and_anew_when_its_code_is_edited(
    project: Path,
) -> None:
    first = lowered(project)
    assert first.startswith("traced\ntraced\n")  # of critic and autoencoder
    objective = project / "trainables/objectives/svae_r.py"
    text = objective.read_text()
    objective.write_text(text.replace("+ lam *", "+ 2 * lam *"))
    edited = lowered(project)
    assert edited.startswith("traced\ntraced\n")
    assert edited != first
    objective.write_text(text)
    recalled = first.replace("traced\n", "").replace("loaded True", "loaded False")
    assert lowered(project, width=64) == recalled


@pytest.mark.parametrize(
    "file",
    ["models/batch.py", "models/densities.py", "engine/native/kernels.h", "datasets/eight_schools.npy"],
)
def test_digest_is_of_every_file(project: Path, file: str) -> None:
    package, later = project / "trainables", time.time() + 60
    before = lowered_record.digest_of(package, later)
    assert before
    with (package / file).open("ab") as opened:
        opened.write(b"\n")
    assert lowered_record.digest_of(package, later) not in ("", before)


def test_nothing_is_recalled_where_a_file_changed_after_it_was_loaded(project: Path) -> None:
    package, loaded_at = project / "trainables", time.time() + 0.1
    assert lowered_record.digest_of(package, loaded_at)
    time.sleep(0.2)
    (package / "models" / "batch.py").touch()
    os.utime(package / "models" / "batch.py", (0, 0))  # a copy may bring an old time of change with it
    assert lowered_record.digest_of(package, loaded_at) == ""


@pytest.mark.parametrize("line", ["import mylab", "    from mylab.losses import penalty"])
def test_nothing_is_recalled_where_a_file_imports_what_is_not_known(project: Path, line: str) -> None:
    package, later = project / "trainables", time.time() + 60
    with (package / "objectives/svae_r.py").open("a") as opened:
        opened.write(f"\n{line}\n")
    assert lowered_record.digest_of(package, later) == ""


@pytest.mark.parametrize("module", [__name__, "__main__", "gone"])
def test_objective_that_is_defined_elsewhere_is_traced_each_time(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(lowered_record, "_sources", lambda: "sources")
    monkeypatch.setattr(Elsewhere, "__module__", module)
    objective, data = Elsewhere(), run().dataset
    losses = [Lowered("first", ()), Lowered("second", ())]
    assert [
        lowered_record.recalled(objective, data, "what", lambda loss=loss: loss) for loss in losses
    ] == losses


def test_versions_and_what_is_asked_for_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(lowered_record, "_sources", lambda: "sources")
    objective, data = objectives.find("svae_r"), run().dataset

    def recalled(source: str, what: object = "what") -> str:
        return lowered_record.recalled(objective, data, what, lambda: Lowered(source, ((0, 64),))).source

    assert recalled("first") == recalled("second") == "first"
    assert recalled("third", what="another") == "third"
    monkeypatch.setattr(torch, "__version__", "0")
    assert recalled("fourth") == "fourth"


def test_damaged_record_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(lowered_record, "_sources", lambda: "sources")
    objective, data = objectives.find("svae_r"), run().dataset
    loss = Lowered("source", ((0, 64), (1, 64)))
    assert lowered_record.recalled(objective, data, "what", lambda: loss) == loss
    (record,) = (tmp_path / "generative-robustness").glob("lowered-*.json")
    record.write_text(record.read_text()[:-9])
    again = Lowered("again", ())
    assert lowered_record.recalled(objective, data, "what", lambda: again) == again
    assert lowered_record.recalled(objective, data, "what", lambda: loss) == again


def test_loss_is_another_where_a_constant_of_its_class_was_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lowered_record, "_sources", lambda: "the same")
    monkeypatch.setattr(cache, "folder", lambda: tmp_path)
    aavae, data = objectives.find("aavae"), run().dataset

    def recalled(source: str) -> str:
        return lowered_record.recalled(aavae, data, "", lambda: Lowered(source, ())).source

    assert (recalled("first"), recalled("again")) == ("first", "first")
    monkeypatch.setattr(type(aavae), "temperature", 3.0)
    assert recalled("another temperature") == "another temperature"
