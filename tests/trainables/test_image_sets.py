"""Image data sets: representations, parts, versions, and training on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, final

import pytest
import torch

from tests.trainables import image_files
from tests.trainables.factory import run
from tests.trainables.image_files import TEST, TRAIN, WRITERS, labels, pixels
from trainables import datasets
from trainables.datasets.files.base import UNLABELLED
from trainables.datasets.files.idx import Idx
from trainables.datasets.files.root import VARIABLE
from trainables.datasets.images.base import Images
from trainables.datasets.images.fashion_mnist import FashionMnist
from trainables.engine.training import Training
from trainables.testing import dataset_contract

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


@final
class FewTested(Images):
    """Of somebody's own: MNIST's files, of which ten are tested."""

    name = "few_tested"
    shape = (28, 28)
    x_dim = 28 * 28
    z_dim = 4
    noise_dim = 4
    classes = 10
    test_points: ClassVar[int] = 10
    home = "nowhere"
    files = Idx(("MNIST/raw",))


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small files of MNIST and Fashion-MNIST."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    image_files.write_idx(tmp_path / "MNIST/raw")
    image_files.write_idx(tmp_path / "FashionMNIST/raw", ".gz", seed=1)
    return tmp_path


def find(name: str) -> Images:
    data = datasets.find(name)
    assert isinstance(data, Images)
    return data


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("mnist", True),
        ("fashion_mnist:part=0.5", True),
        (f"{__name__}:FewTested", True),
        (f"{__name__}:FewTested:part=0.5", True),
        ("digits", False),
        ("mixture5", False),
    ],
)
def test_images_that_are_read_from_files_may_change_whoever_has_written_their_class(
    name: str, may: bool
) -> None:
    assert datasets.may_change(name) is may


@pytest.mark.parametrize("name", WRITERS)
def test_every_image_set_fulfils_the_contract(name: str, root: Path) -> None:
    if name not in ("mnist", "fashion_mnist"):
        WRITERS[name](root)
    dataset_contract(type(find(name)))()
    data = find(name)
    assert data.stored.dtype == torch.uint8
    assert data.stored.shape == (data.train_points, data.x_dim + 1)
    assert data.labelled == (data.classes > 0)
    assert not data.as_stored


def test_representations_of_a_pixel() -> None:
    grey = torch.from_numpy(pixels(TRAIN, 784))
    one_hot = torch.eye(10)[torch.from_numpy(labels(TRAIN)).long()]
    scaled, binary = find("mnist"), find("mnist:representation=binary")
    assert torch.equal(scaled.train, torch.cat([grey / 255, one_hot], 1))
    assert torch.equal(binary.train, torch.cat([(grey / 255 > 0.5).float(), one_hot], 1))
    dequantised = find("mnist:representation=dequantised")
    x = dequantised.train[:, :784]
    assert torch.equal((x * 256).floor(), grey.float())
    noise = (x * 256 - grey).double()
    assert 0 <= noise.min() < 0.001
    assert 0.999 < noise.max() < 1
    # 75,264 uniform numbers: mean 1/2 and variance 1/12, with standard errors 0.0011 and 0.0003
    assert noise.mean().item() == pytest.approx(0.5, abs=0.005)
    assert noise.var().item() == pytest.approx(1 / 12, abs=0.0015)
    assert len({tuple(row) for row in noise[:, :4].tolist()}) == TRAIN
    assert (scaled.binary, binary.binary, dequantised.binary) == (False, True, False)
    assert (scaled.levels, binary.levels, dequantised.levels) == (None, None, 256)


def test_test_points_are_the_first_of_the_test_images_with_noise_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = FewTested()
    assert torch.equal(data.test[:, :784], torch.from_numpy(pixels(TEST, 784))[:10] / 255)
    assert len(find("mnist").test) == TEST  # fewer than it would take
    noisy = find("mnist:representation=dequantised")
    first = [points[0, :784] * 256 % 1 for points in (noisy.train, noisy.test)]
    assert not torch.equal(*first)


@pytest.mark.parametrize("representation", ["scaled", "binary", "dequantised"])
def test_rows_depend_on_the_image_and_its_number_alone(representation: str) -> None:
    data = find(f"mnist:representation={representation}")
    order = torch.randperm(TRAIN, generator=torch.Generator().manual_seed(0))
    assert torch.equal(data.rows(data.stored[order], order), data.train[order])
    batches = order.view(4, 3, 8)
    assert torch.equal(data.rows(data.stored[batches], batches), data.train[batches])
    assert torch.equal(data.rows(data.stored[order[0]], order[0]), data.train[order[0]])


def test_names_say_what_is_not_the_default_and_are_one_however_they_are_written() -> None:
    assert find("mnist:representation=scaled,part=1") is find("mnist")
    written = find("mnist:part=0.10,representation=binary")
    assert written is find("mnist:representation=binary,part=0.1")
    assert written.name == "mnist:representation=binary,part=0.1"
    assert datasets.sized(written.name, 7).z_dim == 7
    assert datasets.sized(written.name, 7).name == written.name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnist:representation=grey", "representation must be one of scaled, binary, dequantised, got 'grey'"),
        ("mnist:part=0", "part must be > 0.0, got 0"),
        ("mnist:part=1.5", "part must be <= 1.0, got 1.5"),
        ("mnist:parts=1", "mnist has the hyper-parameters representation, part, part_labelled of its own, got 'parts'"),
        ("mnist:part=", "a data set with hyper-parameters of its own must be like fashion_mnist:part=0.1, got 'mnist:part='"),
        ("digits:part=0.1", "digits has no hyper-parameter of its own, got 'part'"),
        ("minst:part=0.1", "data must be one of celeba, .*, got 'minst'; did you mean mnist"),
    ],
)  # fmt: skip
def test_a_wrong_variant_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        datasets.find(name)


def test_versions_have_the_variant_and_the_contents_and_are_found_again(root: Path) -> None:
    name = "mnist:representation=binary,part=0.75"
    plain, variant = find("mnist"), find(name)
    digest = plain.prepared.digest[:12]
    assert plain.version == f"mnist-{digest}-v1"
    assert variant.version == f"{name}-{digest}-v1"
    assert find("fashion_mnist").prepared.digest[:12] != digest
    assert datasets.of_version(plain.version) == "mnist"
    assert datasets.of_version(variant.version) == datasets.of_version(variant.version, name) == name
    assert datasets.of_version(f"mnist-{'0' * 12}-v1", "mnist") is None
    assert datasets.of_version(f"svhn-{'0' * 12}-v1", "svhn") is None  # whose files are not here
    assert run().key != replace(run(), data="mnist").key != replace(run(), data=name).key


def test_contents_are_in_the_keys_of_runs(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = replace(run(), data="mnist").key
    image_files.write_idx(tmp_path / "other/MNIST/raw", seed=5)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "other"))
    assert replace(run(), data="mnist").key != before


def test_parts_are_the_first_of_each_class() -> None:
    whole, part = find("mnist"), find("mnist:part=0.5")
    few = part.stored
    assert len(few) == part.train_points == TRAIN / 2
    per_class = torch.bincount(few[:, -1].long(), minlength=10)
    assert per_class.max() - per_class.min() <= 1
    order = [whole.stored.tolist().index(row) for row in few.tolist()]
    assert order == sorted(order)
    for label in range(10):
        numbers = torch.nonzero(whole.labels == label).flatten().tolist()
        assert [n for n in order if n in numbers] == numbers[: int(per_class[label])]
    assert torch.equal(part.test, whole.test)
    with pytest.raises(
        ValueError, match=r"batch_size must be <= 48, the training points of mnist:part=0\.5, got 64"
    ):
        replace(run(), data="mnist:part=0.5")


def test_labels_that_are_held_back_are_all_zero() -> None:
    data = find("mnist:part_labelled=0.25")
    assert data.labelled == 0.25
    kept = data.labels != UNLABELLED
    assert torch.equal(data.labels[kept], find("mnist").labels[kept])
    assert torch.equal(data.stored[:, :-1], find("mnist").stored[:, :-1])
    assert torch.equal(data.train[:, 784:].sum(1), kept.float())
    both = find("mnist:part=0.5,part_labelled=0.5")
    assert both.labelled == 0.5
    assert both.train_points == TRAIN / 2


@pytest.mark.parametrize("data", ["mnist", "mnist:representation=binary", "mnist:representation=dequantised"])
def test_runs_on_images_have_the_same_bits_beside_any_others(data: str) -> None:
    runs = [replace(run("vae", seed=seed, budget=20, width=32, depth=1), data=data) for seed in range(3)]
    together, alone = (Training(some, metrics=["mse_x"]) for some in (runs, runs[1:2]))
    for training in (together, alone):
        training._train_block()
    assert together.cohort.data[0].dtype == torch.uint8
    for name, flat in together.cohort.parameters.items():
        assert torch.equal(flat[1], alone.cohort.parameters[name][0])


def test_native_kernels_train_on_the_same_rows_as_if_they_were_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Implicit decoders of 784 pixels have kernels in wider networks.
    runs = [
        replace(run("gan", seed=s, budget=20, width=800, depth=1, critic_depth=1, steps=1), data="mnist")
        for s in range(2)
    ]
    bytes_, floats = (Training(runs, metrics=["mse_x"]) for _ in range(2))
    if not bytes_.cohort.native:
        pytest.skip("needs a C++ compiler")
    bytes_._train_block()
    floats.cohort.data = (find("mnist").train,)
    monkeypatch.setattr(Images, "as_stored", True)
    floats._train_block()
    for name, flat in bytes_.cohort.parameters.items():
        assert torch.equal(flat, floats.cohort.parameters[name])


@pytest.mark.skipif(not DEBIAN.exists(), reason="needs Debian's dataset-fashion-mnist (`make data`)")
def test_fashion_mnist_of_debian_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "empty").mkdir()
    monkeypatch.setenv(VARIABLE, str(root / "empty"))
    data = find("fashion_mnist")
    assert data.train_points == 60_000
    assert len(data.test) == 2048
    assert torch.bincount(data.labels).tolist() == [6000] * 10
    assert data.labels[:5].tolist() == [9, 0, 0, 3, 0]
    # Xiao et al. 2017: the mean of all training pixels is 0.2860 of white
    assert data.stored[:, :784].double().mean().item() / 255 == pytest.approx(0.2860, abs=1e-4)


@pytest.mark.gpu
@pytest.mark.parametrize("representation", ["scaled", "binary", "dequantised"])
def test_rows_on_a_gpu_are_those_on_a_cpu(representation: str) -> None:
    data, numbers = find(f"mnist:representation={representation}"), torch.arange(TRAIN).flip(0)
    there = data.rows(data.stored.cuda()[numbers.cuda()], numbers.cuda()).cpu()
    torch.testing.assert_close(there, data.train[numbers], rtol=1e-6, atol=0)


def test_halves_of_the_articles_are_two_domains_of_which_one_is_shifted() -> None:
    whole, data = FashionMnist(), find("fashion_mnist_shifted:shift=inverted")
    assert data.other is not None
    assert torch.equal(data.train, whole.train[::2])
    assert torch.equal(data.other.train[:, 784:], whole.train[1::2, 784:])
    torch.testing.assert_close(data.other.train[:, :784], 1 - whole.train[1::2, :784])
    torch.testing.assert_close(data.other.test[:, :784], 1 - whole.test[:, :784])
    assert data.prepared.digest == whole.prepared.digest
    assert data.version == f"fashion_mnist_shifted:shift=inverted-{whole.prepared.digest[:12]}-v1"
    runs = [
        replace(run("cyclegan", seed=s, budget=20, batch_size=32, depth=1), data=data.name) for s in range(2)
    ]
    together, alone = (Training(some, metrics=["mse_x", "mse_z"]) for some in (runs, runs[1:]))
    for training in (together, alone):
        training.advance()
    assert together.results()[1].metrics == alone.results()[0].metrics
