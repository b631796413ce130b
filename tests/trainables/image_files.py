"""Small image data sets in the files of their publishers' formats: a handful of images each."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

TRAIN, TEST = 96, 40


def pixels(count: int, *shape: int, seed: int = 0) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def labels(count: int) -> Bytes:
    return (np.arange(count) * 7 % 10).astype(np.uint8)


def idx(array: Bytes) -> bytes:
    return struct.pack(f">I{array.ndim}I", 0x0800 | array.ndim, *array.shape) + array.tobytes()


def write_idx(folder: Path, ending: str = "", seed: int = 0, train: int = TRAIN) -> Path:
    """MNIST's four files; compressed where the ending is .gz."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", train), ("t10k", TEST)):
        for what, array in (
            ("images-idx3", pixels(count, 28, 28, seed=seed)),
            ("labels-idx1", labels(count)),
        ):
            content = idx(array)
            (folder / f"{part}-{what}-ubyte{ending}").write_bytes(
                gzip.compress(content) if ending else content
            )
    return folder


def write_cifar(folder: Path) -> Path:
    """Writes its binary files; the images' seed is a training file's number, and 0 of the test file."""
    folder.mkdir(parents=True)
    for name, seed in [*((f"data_batch_{number}", number) for number in range(1, 6)), ("test_batch", 0)]:
        rows = np.concatenate([labels(8)[:, None], pixels(8, 3 * 32 * 32, seed=seed)], 1)
        rows.tofile(folder / f"{name}.bin")
    return folder


def write_svhn(folder: Path) -> Path:
    from scipy.io import savemat

    folder.mkdir(parents=True)
    for split, count in (("train", TRAIN), ("test", TEST)):
        numbers = labels(count)[:, None]
        savemat(
            folder / f"{split}_32x32.mat",
            {"X": pixels(count, 3, 32, 32).transpose(2, 3, 1, 0), "y": np.where(numbers == 0, 10, numbers)},
        )
    return folder


def write_celeba(folder: Path) -> Path:
    """Six faces, the n-th one of the colour (10 n, 100, 200) in the square that is kept, black around it."""
    from PIL import Image

    (folder / "img_align_celeba").mkdir(parents=True)
    lines = []
    for number, split in enumerate((0, 0, 1, 2, 0, 2), 1):
        image = np.zeros((218, 178, 3), np.uint8)
        image[35:183, 15:163] = 10 * number, 100, 200
        name = f"{number:06}.jpg"
        Image.fromarray(image).save(folder / "img_align_celeba" / name, quality=100, subsampling=0)
        lines.append(f"{name} {split}")
    (folder / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    return folder


def write_imagenet(folder: Path) -> Path:
    """In the folders that the archives unpack to."""
    for name, part in [
        *((f"train_data_batch_{number}", f"train_part{1 + (number > 5)}") for number in range(1, 11)),
        ("val_data", "val"),
    ]:
        into = folder / f"Imagenet64_{part}_npz"
        into.mkdir(parents=True, exist_ok=True)
        np.savez(into / f"{name}.npz", data=pixels(4, 3 * 64 * 64), labels=np.arange(1, 5))
    return folder


WRITERS: dict[str, Callable[[Path], Path]] = {
    "mnist": lambda root: write_idx(root / "MNIST/raw"),
    "fashion_mnist": lambda root: write_idx(root / "FashionMNIST/raw", ".gz"),
    "fashion_mnist_shifted": lambda root: write_idx(root / "FashionMNIST/raw", ".gz"),
    "cifar10": lambda root: write_cifar(root / "cifar-10-batches-bin"),
    "svhn": lambda root: write_svhn(root / "SVHN"),
    "celeba": lambda root: write_celeba(root / "celeba"),
    "imagenet64": write_imagenet,
}
"""Data set -> how its files are written where they usually are below a root folder."""
