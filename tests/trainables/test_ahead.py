"""What runs need is compiled before they train, once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.trainables.factory import different_runs, train
from trainables.engine import ahead
from trainables.engine.native import block, build

pytestmark = pytest.mark.skipif(build.library() is None, reason="needs a C++ compiler")


def compiled(cache: Path) -> list[Path]:
    return sorted((cache / "generative-robustness").glob("*.so"))


def test_runs_find_everything_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(block, "_losses", {})
    build.compiled.cache_clear()
    build.library.cache_clear()
    runs = different_runs(budget=20)
    assert not build.are_built()
    ahead.compile_ahead(runs)
    for thread in threading.enumerate():
        if thread.name == "compile ahead":
            thread.join()
    assert build.are_built()
    there = compiled(tmp_path)
    assert (
        len(there) == 6
    )  # the kernels, the critics' one loss, and four autoencoders' of svae_r, alice, svae and ali
    block._losses.clear()
    build.compiled.cache_clear()
    train(runs)
    assert compiled(tmp_path) == there

    ahead.compile_ahead(runs)  # leaves it to the workers where there are kernels
    assert not [thread for thread in threading.enumerate() if thread.name == "compile ahead"]
