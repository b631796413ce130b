"""Locks between mirrors: one holder at a time, and no file is left."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from sweeps.tracking.writing.locks import locked, try_lock


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of locks, empty."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_lock_has_one_holder_and_leaves_no_file(folder: Path) -> None:
    with locked("a"):
        assert try_lock("a") is None
        other = try_lock("b")
        assert other is not None
        assert len(list(folder.iterdir())) == 2
        other.close()
    assert list(folder.iterdir()) == []
    again = try_lock("a")
    assert again is not None
    again.close()
    again.close()
    assert list(folder.iterdir()) == []


def test_who_waited_for_a_lock_that_was_removed_holds_the_one_that_is_there(folder: Path) -> None:
    inside, most = [], []

    def work() -> None:
        for _ in range(50):
            with locked("a"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) == 200
    assert list(folder.iterdir()) == []


def test_the_lock_of_a_killed_process_is_free(folder: Path) -> None:
    code = (
        f"import os, tempfile; tempfile.tempdir = {str(folder)!r}\n"
        "from sweeps.tracking.writing.locks import try_lock\n"
        "held = try_lock('a'); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert len(list(folder.iterdir())) == 1
    lock = try_lock("a")
    assert lock is not None
    with closing(lock):
        assert try_lock("a") is None
    assert list(folder.iterdir()) == []


def test_files_of_killed_processes_go_with_the_next_mirror_and_those_of_others_stay(folder: Path) -> None:
    with locked("held"):
        (there,) = folder.iterdir()
        left = there.with_name(there.name.replace(there.stem[-16:], 16 * "0"))
        left.touch()
        other = folder / "another file"
        other.touch()
        lock = try_lock("a")
        assert lock is not None
        lock.close()
        assert set(folder.iterdir()) == {there, other}
