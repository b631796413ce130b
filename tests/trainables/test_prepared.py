"""Images as they are prepared: read once, mapped, shared, told by what they hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.trainables import image_files
from tests.trainables.image_files import TEST, TRAIN, labels, pixels
from trainables.datasets.files import prepared as preparing
from trainables.datasets.files.idx import Idx
from trainables.datasets.files.prepared import Prepared
from trainables.datasets.files.root import VARIABLE, folder, using

FILES = Idx(("MNIST/raw",))


def prepare() -> Prepared:
    """As a process does that has not done so yet."""
    preparing._prepared.cache_clear()
    return preparing.prepared("mnist", FILES, 28 * 28)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data"))
    image_files.write_idx(tmp_path / "data/MNIST/raw")
    return tmp_path / "data"


def test_prepared_images_are_those_of_the_files_with_their_labels(root: Path) -> None:
    found = prepare()
    for rows, count in ((found.train, TRAIN), (found.test, TEST)):
        assert np.array_equal(rows[:, :-1], pixels(count, 28 * 28))
        assert np.array_equal(rows[:, -1], labels(count))
    assert found.folder == root / "prepared/mnist"
    assert {path.name for path in found.folder.iterdir()} == {
        "prepared.json",
        *(f"{split}-{found.digest[:16]}.npy" for split in ("train", "test")),
    }


def test_prepared_images_are_mapped_and_not_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare()
    assert isinstance(first.train, np.memmap)
    first.train[0, 0] ^= 1  # a process's own, not the file's
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in first.folder.iterdir()}
    monkeypatch.setattr(Idx, "read", lambda *_: pytest.fail("read again"))
    again = prepare()
    assert again.digest == first.digest
    assert np.array_equal(again.train[:, :-1], pixels(TRAIN, 28 * 28))
    assert before == {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in first.folder.iterdir()}


def test_digest_is_of_the_contents_and_changes_with_them(root: Path) -> None:
    first = prepare()
    image_files.write_idx(root / "MNIST/raw", seed=1)
    other = prepare()
    assert other.digest != first.digest
    assert np.array_equal(other.train[:, :-1], pixels(TRAIN, 28 * 28, seed=1))
    assert np.array_equal(first.train[:, :-1], pixels(TRAIN, 28 * 28))  # whoever has mapped it keeps it
    for path in (root / "MNIST/raw").iterdir():
        path.unlink()
    image_files.write_idx(root / "MNIST/raw", ".gz")
    assert prepare().digest == first.digest  # of plain files and of compressed ones


def test_one_label_changes_the_digest(root: Path) -> None:
    first = prepare()
    path = root / "MNIST/raw/t10k-labels-idx1-ubyte"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([(content[-1] + 1) % 10]))
    os.utime(path, ns=(0, 0))
    assert prepare().digest != first.digest


@pytest.mark.parametrize("what", ["train-*.npy", "prepared.json"])
def test_a_prepared_file_that_is_cut_is_made_again(what: str, root: Path) -> None:
    first = prepare()
    (path,) = first.folder.glob(what)
    path.write_bytes(path.read_bytes()[:100])
    again = prepare()
    assert again.digest == first.digest
    assert np.array_equal(again.train[:, :-1], pixels(TRAIN, 28 * 28))


def test_a_failed_preparation_leaves_nothing_and_is_made_when_the_files_are_whole(root: Path) -> None:
    path = root / "MNIST/raw/t10k-images-idx3-ubyte"
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(ValueError, match="t10k-images-idx3-ubyte is damaged"):
        prepare()
    assert not list((root / "prepared/mnist").iterdir())
    path.write_bytes(content)
    assert len(prepare().test) == TEST


def test_images_of_another_size_are_refused(root: Path) -> None:
    with pytest.raises(ValueError, match=r"its images must have 1,024 pixels, got 784"):
        preparing.prepared("mnist", FILES, 32 * 32)


def test_processes_that_prepare_at_once_read_the_files_once(root: Path) -> None:
    program = (
        "import sys; from trainables.datasets.files import prepared, idx\n"
        "read = idx.Idx.read\n"
        "def noted(self, found):\n"
        "    print('reads', flush=True)\n"
        "    return read(self, found)\n"
        "idx.Idx.read = noted\n"
        "sys.stdin.read()\n"
        "print(prepared.prepared('mnist', idx.Idx(('MNIST/raw',)), 784).digest)\n"
    )
    command = [sys.executable, "-c", program]
    several = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in several:
        assert process.stdin
        process.stdin.close()  # all begin
    printed = [process.stdout.read().split() for process in several if process.stdout]
    assert [process.wait() for process in several] == [0, 0, 0]
    for process in several:
        assert process.stdout
        process.stdout.close()
    assert sum(words.count("reads") for words in printed) == 1
    assert len({words[-1] for words in printed}) == 1


def test_where_the_folder_cannot_be_written_the_cache_has_what_is_prepared(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "access", lambda path, mode: not Path(path).is_relative_to(root))
    found = prepare()
    assert found.folder.parent == tmp_path / "cache/generative-robustness/prepared"
    assert len(found.train) == TRAIN


def test_derived_images_are_made_once(root: Path) -> None:
    found = prepare()
    made = []

    def few() -> np.ndarray:
        made.append(1)
        return found.train[:5]

    for _ in range(2):
        assert np.array_equal(found.derived("few", few), found.train[:5])
    assert made == [1]
    assert isinstance(found.derived("few", few), np.memmap)


def test_the_record_says_what_was_read(root: Path) -> None:
    record = json.loads((prepare().folder / "prepared.json").read_text())
    assert record["images"] == [TRAIN, TEST]
    assert sorted(record["facts"]["sources"]) == sorted(FILES.wanted)


def test_the_option_comes_before_the_variable_and_that_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(VARIABLE, raising=False)
    assert folder() == tmp_path / "cache/generative-robustness/data"
    for name in ("variable", "option"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "variable")
    with using(None):
        assert os.environ[VARIABLE] == str(tmp_path / "variable")
    with using("option"):
        assert folder() == tmp_path / "option"
        assert os.environ[VARIABLE] == str(
            tmp_path / "option"
        )  # for processes with other working directories
    assert folder() == tmp_path / "variable"
    with using("nowhere"), pytest.raises(ValueError, match=r"--data-dir.*must be a folder, got '.*nowhere'"):
        folder()
