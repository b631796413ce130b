"""The classifier by which images are measured: trained once, the same each time, and kept whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from tests.trainables.pictures import CLASSES, split
from trainables.recognition import network, stored, training
from trainables.recognition.training import Labelled, Split

DATA, TEST = split()


def found(
    folder: Path, said: list[str] | None = None, key: str = "bars", data: Labelled = DATA
) -> stored.Classifier:
    """The classifier of a folder; `said` gains what is said meanwhile."""
    said = [] if said is None else said
    return stored.classifier(folder, key, lambda: Split(data, TEST), CLASSES, said.append)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One with a classifier."""
    path = tmp_path_factory.mktemp("classifier")
    found(path)
    return path


def test_classifier_learns_its_classes_and_says_how_well(tmp_path: Path) -> None:
    said: list[str] = []
    classifier = found(tmp_path / "new", said)
    right = classifier(TEST.images.flatten(1) / 255).log_posterior.argmax(1) == TEST.labels
    assert classifier.accuracy == right.double().mean().item() > 0.9
    assert len(said) == 2
    assert f"{100 * classifier.accuracy:.1f} % of 128 test images" in said[1]
    assert classifier.digest in classifier.words


def test_classifier_is_trained_once(folder: Path) -> None:
    said: list[str] = []
    again = found(folder, said)
    assert not said
    assert again.accuracy > 0.9
    assert again.seconds > 0


def test_classifier_has_the_same_bits_however_many_threads_and_whatever_was_drawn(
    folder: Path, tmp_path: Path
) -> None:
    threads = torch.get_num_threads()
    torch.manual_seed(7)
    torch.set_num_threads(3)
    try:
        with torch.inference_mode():
            anew = found(tmp_path)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    assert anew.digest == found(folder).digest


def test_classifier_of_other_images_is_another(folder: Path) -> None:
    said: list[str] = []
    other = found(folder, said, "negative", Labelled(255 - DATA.images, DATA.labels))
    assert said
    assert other.digest != found(folder).digest


def test_damaged_classifier_is_trained_anew(tmp_path: Path) -> None:
    digest = found(tmp_path).digest
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(path.read_bytes()[:1000])
    said: list[str] = []
    assert found(tmp_path, said).digest == digest
    assert said
    assert [p for p in tmp_path.iterdir() if p.suffix == ".npz"] == [path]


def test_classifier_is_trained_where_it_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert found(tmp_path / "file").accuracy > 0.9


def test_two_that_want_a_classifier_at_once_train_it_once(tmp_path: Path) -> None:
    said: list[str] = []
    both = [threading.Thread(target=found, args=(tmp_path, said)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sum("training on" in line for line in said) == 1


def test_image_is_recognised_alike_whatever_is_beside_it(folder: Path) -> None:
    classifier = found(folder)
    x = torch.rand(3, 300, 144, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        together = torch.func.vmap(lambda points: tuple(classifier(points)))(x)
    alone = [classifier(points) for points in x]
    assert torch.equal(together[0], torch.stack([one.features for one in alone]))
    assert torch.equal(together[1], torch.stack([one.log_posterior for one in alone]))
    assert together[0].dtype == torch.float64
    assert alone[0].log_posterior.exp().sum(-1).tolist() == pytest.approx([1.0] * 300)


def test_points_beyond_the_range_of_pixels_are_seen_as_a_viewer_shows_them(folder: Path) -> None:
    classifier = found(folder)
    x = 3 * torch.rand(4, 144, generator=torch.Generator().manual_seed(0)) - 1
    assert torch.equal(classifier(x).features, classifier(x.clamp(0, 1)).features)
    x[1, 5] = torch.nan
    assert classifier(x).features.isfinite().all(-1).tolist() == [True, False, True, True]


@pytest.mark.parametrize(
    ("shape", "stages"),
    [((1, 8, 8), 1), ((1, 15, 9), 1), ((1, 28, 28), 2), ((3, 32, 32), 2), ((3, 64, 64), 3)],
)
def test_images_of_any_size_have_as_many_features(shape: network.Shape, stages: int) -> None:
    arrays = network.initial(shape, 5, torch.Generator().manual_seed(0))
    assert network.stages(shape) == stages
    seen = network.forward(
        {**arrays, "centre": torch.tensor(0.5), "spread": torch.tensor(0.5)}, torch.rand(2, *shape)
    )
    assert seen.features.shape == (2, network.FEATURES)
    assert seen.logits.shape == (2, 5)


def test_small_sets_are_passed_through_more_often() -> None:
    assert [training.passes(n) for n in (100, 12_000, 24_000, 60_000, 600_000)] == [20, 20, 15, 6, 4]
