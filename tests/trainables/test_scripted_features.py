"""Features by a TorchScript file of one's own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from trainables.recognition.base import Recogniser
from trainables.recognition.features_file import FEATURES
from trainables.recognition.scripted import Scripted

SHAPE = (1, 4, 4)


class Halves(nn.Module):
    """Means of upper and lower halves."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((1, 3)).unflatten(1, (2, 2)).mean(2)


class Scored(nn.Module):
    """The same, and logits of three classes."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        means = images.mean((1, 3))
        return means, means[:, :3]


class Images(nn.Module):
    """No features but images."""

    def forward(self, images: Tensor) -> Tensor:
        return images


class Fixed(Recogniser):
    """A classifier that is sure of nothing."""

    words = "classifier 0123"

    def recognise(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, torch.zeros(len(x), 3)


@pytest.fixture
def saved(tmp_path: Path):
    """Writes a network to a file."""

    def save(network: nn.Module) -> Path:
        path = tmp_path / "features.pt"
        with pytest.warns(DeprecationWarning, match="torch.jit.s"):
            torch.jit.script(network).save(str(path))
        return path

    return save


X = torch.rand(5, 16, generator=torch.Generator().manual_seed(0))


def test_features_are_those_of_the_file_and_its_digest_is_said(saved) -> None:
    path = saved(Halves())
    found = Scripted(path, SHAPE, 0, None)
    assert hashlib.sha256(path.read_bytes()).hexdigest()[:12] in found.words
    expected = torch.stack([X[:, :8].mean(1), X[:, 8:].mean(1)], 1)
    assert found(X).features == pytest.approx(expected.double(), abs=1e-6)
    assert found(X).log_posterior.shape == (5, 0)
    fused = torch.func.vmap(lambda x: found(x).features)(X.expand(2, -1, -1))
    assert torch.equal(fused[1], found(X).features)


def test_classes_are_those_of_the_file_or_else_of_the_classifier(saved) -> None:
    beside = Scripted(saved(Halves()), SHAPE, 3, Fixed())
    assert "classes by the classifier 0123" in beside.words
    assert beside(X).log_posterior.exp().flatten().tolist() == pytest.approx([1 / 3] * 15)


def test_logits_of_the_file_are_taken(saved) -> None:
    found = Scripted(saved(Scored()), SHAPE, 3, Fixed())
    assert "0123" not in found.words
    assert torch.equal(found(X).log_posterior, torch.log_softmax(found(X).features[:, :3], -1))


@pytest.mark.parametrize(
    ("network", "classes", "words"),
    [
        (Images(), 0, r"\[2, d\] of as many images, but .*features.pt gave shape \[2, 1, 4, 4\]"),
        (Scored(), 5, "logits of 5 classes, but .* gave 3"),
        (nn.Linear(3, 2), 0, "gave .*mat1 and mat2 shapes"),
    ],
)
def test_a_network_that_gives_something_else_is_refused_in_one_line(saved, network, classes, words) -> None:
    with pytest.raises(ValueError, match=words) as error:
        Scripted(saved(network), SHAPE, classes, None)
    assert "\n" not in str(error.value)


def test_what_is_no_such_file_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"can be read, got .*none.pt \(No such file"):
        Scripted(tmp_path / "none.pt", SHAPE, 0, None)
    (tmp_path / "text.pt").write_text("features")
    with pytest.raises(ValueError, match=r"a TorchScript file, got .*text.pt; write one by") as error:
        Scripted(tmp_path / "text.pt", SHAPE, 0, None)
    assert "\n" not in str(error.value)


def test_the_file_is_named_for_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(FEATURES.variable, raising=False)
    monkeypatch.chdir(tmp_path)
    with FEATURES.using("a.pt"):
        with FEATURES.using(None):
            assert FEATURES.named() == str(tmp_path / "a.pt")
        with FEATURES.using("b.pt"):
            assert FEATURES.named() == str(tmp_path / "b.pt")
        assert FEATURES.named() == str(tmp_path / "a.pt")
    assert FEATURES.named() is None
