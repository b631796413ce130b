"""The measured speed: sane, kept per processor, and measured anew where its file is not whole. No value is asserted."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trainables.factory import SMALL
from trainables import cache
from trainables.engine.cost import REFERENCE, Speed
from trainables.engine.machine import speed
from trainables.engine.machine.speed import here, measure, of
from trainables.engine.native import build
from trainables.runs import Run

RUN = Run("study", "alice", 0.1, 0, SMALL.changed(width=64, critic_depth=3, batch_size=128, steps=5), 300)
OTHER = Speed(speed.WIDTHS, (1e9,) * 4, (2e9,) * 4, 3.0)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Rounds of no length, and a cache of its own; nothing is remembered."""
    monkeypatch.setattr(speed, "ROUND_SECONDS", 0.0)
    monkeypatch.setattr(speed, "ROUNDS", 1)
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "cache")
    here.cache_clear()
    yield
    here.cache_clear()


def kept(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache").glob("*"))


def test_torchs_speed_is_measured_at_every_width_on_every_core() -> None:
    measured, _ = measure(fused=False, cores=2)
    assert measured.widths == speed.WIDTHS
    for rates in (measured.edges, measured.layers, (measured.python,)):
        assert all(math.isfinite(rate) and rate > 0 for rate in rates)


def test_kernels_speed_is_measured_where_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the kernels are in the real cache
    if build.library() is None:
        pytest.skip("no C++ compiler")
    monkeypatch.setattr(speed, "ROUND_SECONDS", 0.0)
    measured, _ = measure(fused=True, cores=1)
    assert all(math.isfinite(rate) and rate > 0 for rate in (*measured.edges, *measured.layers))


def test_speed_is_kept_and_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "measure", lambda fused, cores: (OTHER, True))
    assert here(False, 2) == OTHER
    assert len(kept(tmp_path)) == 1
    here.cache_clear()
    monkeypatch.setattr(speed, "measure", lambda fused, cores: (REFERENCE, True))
    assert here(False, 2) == OTHER
    assert here(False, 1) == REFERENCE  # one core that is alone is another matter


def test_speed_is_not_kept_where_its_rounds_disagree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "measure", lambda fused, cores: (OTHER, False))
    assert here(False, 2) == OTHER
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    ["", "{", "{}", "[]", "null", json.dumps({**vars(OTHER), "python": 0.0}), json.dumps({**vars(OTHER), "layers": ["x"] * 4}),
     json.dumps({**vars(OTHER), "widths": [32]}), json.dumps({**vars(OTHER), "edges": [1e9]}), json.dumps({**vars(OTHER), "edges": [1e400] * 4})],
)  # fmt: skip
def test_speed_is_measured_anew_where_its_file_is_damaged(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "measure", lambda fused, cores: (OTHER, True))
    here(False, 2)
    here.cache_clear()
    (file,) = kept(tmp_path)
    file.write_text(content)
    assert here(False, 2) == OTHER
    assert json.loads(file.read_text())["python"] == 3.0


def test_speed_is_measured_where_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    monkeypatch.setattr(speed, "measure", lambda fused, cores: (OTHER, True))
    assert here(False, 2) == OTHER


def test_speed_of_a_run_is_that_of_what_trains_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "here", lambda fused, cores: OTHER if fused else REFERENCE)
    monkeypatch.setattr(build, "missing", lambda: "")
    odd = SMALL.changed(width=48, critic_depth=3, batch_size=128, steps=5)
    assert of(RUN, 2) == OTHER
    assert of(Run("study", "alice", 0.1, 0, odd, 300), 2) == REFERENCE  # no kernel is so wide
    assert of(Run("study", "wgan_gp", 0.1, 0, RUN.configuration, 300), 2) == REFERENCE  # differentiated twice
    assert of(Run("study", "alice", 0.1, 0, RUN.configuration, 300, precision="bf16"), 2) == REFERENCE
    monkeypatch.setattr(build, "missing", lambda: "no compiler")
    assert of(RUN, 2) == REFERENCE
