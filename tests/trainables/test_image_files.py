"""Readers of image files: each format written small and read back, and what is missing or damaged."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.trainables import image_files
from tests.trainables.image_files import TEST, TRAIN, WRITERS, labels, pixels
from trainables import datasets
from trainables.datasets.files.base import UNLABELLED, Bytes, DamagedError, MissingError
from trainables.datasets.files.root import VARIABLE
from trainables.datasets.images.base import Images


def image_set(name: str) -> Images:
    data = datasets.find(name)
    assert isinstance(data, Images)
    return data


def read(name: str, root: Path) -> dict[str, tuple[Bytes, Bytes]]:
    """Split -> pixels [n, x_dim] and labels [n]."""
    files = image_set(name).files
    chunks = list(files.read(files.locate(name, root)))
    return {
        split: (
            np.concatenate([p.reshape(len(p), -1) for s, p, _ in chunks if s == split]),
            np.concatenate([numbers for s, _, numbers in chunks if s == split]),
        )
        for split in ("train", "test")
    }


def test_every_image_set_has_files_that_are_written_here() -> None:
    assert set(WRITERS) == {name for name in datasets.available() if datasets.reads_files(name)}


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("folder", ["MNIST/raw", "mnist", "."])
def test_idx_is_read_back(folder: str, ending: str, tmp_path: Path) -> None:
    image_files.write_idx(tmp_path / folder, ending)
    found = read("mnist", tmp_path)
    for split, count in (("train", TRAIN), ("test", TEST)):
        assert np.array_equal(found[split][0], pixels(count, 28 * 28))
        assert np.array_equal(found[split][1], labels(count))


def test_cifar_is_read_back_in_the_order_of_its_batches(tmp_path: Path) -> None:
    WRITERS["cifar10"](tmp_path)
    found = read("cifar10", tmp_path)
    assert np.array_equal(
        found["train"][0], np.concatenate([pixels(8, 3072, seed=seed) for seed in range(1, 6)])
    )
    assert np.array_equal(found["train"][1], np.tile(labels(8), 5))
    assert np.array_equal(found["test"][0], pixels(8, 3072))


def test_svhn_is_read_back_and_label_ten_is_the_digit_zero(tmp_path: Path) -> None:
    WRITERS["svhn"](tmp_path)
    found = read("svhn", tmp_path)
    assert np.array_equal(found["train"][0], pixels(TRAIN, 3072))
    assert np.array_equal(found["train"][1], labels(TRAIN))
    assert found["train"][1].min() == 0


def test_celeba_is_cropped_to_the_central_square_and_split_by_its_list(tmp_path: Path) -> None:
    WRITERS["celeba"](tmp_path)
    found = read("celeba", tmp_path)
    for split, numbers in (("train", (1, 2, 5)), ("test", (4, 6))):  # 3 is for validation
        faces = found[split][0].reshape(-1, 3, 64, 64).astype(int)
        colours = np.array([(10 * number, 100, 200) for number in numbers])
        assert (
            np.abs(faces - colours[:, :, None, None]).max() <= 8
        )  # JPEG; black of the border would be far off
        assert set(found[split][1]) == {UNLABELLED}


def test_imagenet_is_read_back_from_the_folders_of_its_archives(tmp_path: Path) -> None:
    WRITERS["imagenet64"](tmp_path)
    found = read("imagenet64", tmp_path)
    assert found["train"][0].shape == (40, 12_288)
    assert np.array_equal(found["test"][0], pixels(4, 12_288))
    assert set(found["test"][1]) == {UNLABELLED}


@pytest.mark.parametrize(
    "name", sorted(set(WRITERS) - {"fashion_mnist", "fashion_mnist_shifted"})
)  # an operating system may have that one
def test_missing_files_are_named_with_the_folders_and_the_remedy(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(MissingError) as error:
        datasets.check(f"{name}:representation=binary")
    words = str(error.value)
    data = image_set(name)
    assert words.startswith(f"{name} must have its files {data.files.wanted[0]}, ")
    for wanted in (*data.files.folders, str(tmp_path), "make data", "--data-dir", VARIABLE):
        assert wanted in words
    assert "\n" not in words
    assert not list(tmp_path.iterdir())


def test_only_what_is_missing_is_asked_for(tmp_path: Path) -> None:
    image_files.write_idx(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(MissingError, match=r"its files t10k-labels-idx1-ubyte \(or \*\.gz\) in one of"):
        read("mnist", tmp_path)


def magic(content: bytes) -> bytes:
    return b"\0\0\x0d\3" + content[4:]


def short(content: bytes) -> bytes:
    return content[:-10]


def long(content: bytes) -> bytes:
    return content + b"\0"


@pytest.mark.parametrize(
    ("name", "file", "damage", "message"),
    [
        ("mnist", "MNIST/raw/train-images-idx3-ubyte", magic, "its magic number must be 0x00000803, got 0x00000d03"),
        ("mnist", "MNIST/raw/train-images-idx3-ubyte", short, "its size after reading, of 96×28×28 bytes, must be 75280, got 75270"),
        ("mnist", "MNIST/raw/train-images-idx3-ubyte", long, "its size after reading, of 96×28×28 bytes, must be 75280, got 75281"),
        ("mnist", "MNIST/raw/train-labels-idx1-ubyte", lambda c: c[:6], "the bytes of its header must be 8, got 6"),
        ("mnist", "MNIST/raw/train-labels-idx1-ubyte", lambda c: image_files.idx(labels(95)),
         "the number of labels, as train-images-idx3-ubyte has images, must be 96, got 95"),
        ("fashion_mnist", "FashionMNIST/raw/train-images-idx3-ubyte.gz", short, "it must be whole and compressed by gzip, got"),
        ("fashion_mnist", "FashionMNIST/raw/train-images-idx3-ubyte.gz", gzip.decompress, "it must be whole and compressed by gzip, got"),
        ("cifar10", "cifar-10-batches-bin/data_batch_3.bin", short, "its size must be a multiple of 3,073 bytes, one image, got 24,574"),
        ("cifar10", "cifar-10-batches-bin/data_batch_3.bin", lambda c: b"\x0b" + c[1:], "its labels must be 0 to 9, got 11"),
        ("svhn", "SVHN/test_32x32.mat", short, "it must be a MATLAB file of version 5, got"),
        ("svhn", "SVHN/test_32x32.mat", lambda c: b"no such thing" * 20, "it must be a MATLAB file of version 5, got"),
        ("celeba", "celeba/img_align_celeba/000004.jpg", lambda c: c[:300], "it must be a JPEG of 178 × 218 pixels, got"),
        ("celeba", "celeba/list_eval_partition.txt", lambda c: c + b"000007.jpg 3\n", "its line 7 must be like 000001.jpg 0, got '000007.jpg 3'"),
        ("celeba", "celeba/list_eval_partition.txt", lambda c: c + b"000007.jpg 0\n", "must be an image, as list_eval_partition.txt names it, but is not there"),
        ("imagenet64", "Imagenet64_val_npz/val_data.npz", short, "it must be an .npz file with the array data, of bytes, got"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_quoted_in_one_line(
    name: str, file: str, damage: Callable[[bytes], bytes], message: str, tmp_path: Path
) -> None:
    WRITERS[name](tmp_path)
    path = tmp_path / file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DamagedError) as error:
        read(name, tmp_path)
    assert message in str(error.value)
    assert "again, then give the command again" in str(error.value)
    assert "\n" not in str(error.value)
    if "list_eval" not in message:
        assert str(path) in str(error.value)


class Ran:
    """Notes, where it is unpickled, that somebody's code ran."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("ran"),))  # type: ignore[return-value]


def test_no_pickle_is_ever_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    WRITERS["imagenet64"](tmp_path)
    np.savez(tmp_path / "Imagenet64_val_npz/val_data.npz", data=np.array([Ran()], dtype=object))
    with pytest.raises(DamagedError, match="allow_pickle=False"):
        read("imagenet64", tmp_path)
    assert not Path("ran").exists()
