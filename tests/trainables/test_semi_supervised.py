import math

import pytest
import torch
from torch import Tensor

from tests.trainables.test_systems import LAMBDA, assert_alike, batch_of, gradients
from trainables import datasets, objectives
from trainables.models.batch import Batch
from trainables.objectives.ssvae import drawn_labels, semi_supervised

CLASSES = 5


def sure_of(label: int, batch: Batch) -> None:
    """Give the batch a classifier that is certain of one label."""
    logits = torch.full((CLASSES,), -30.0)
    logits[label] = 0.0
    batch.networks = {**batch.networks, "classifier": lambda x: logits.expand(len(x), -1)}


def unlabelled(batch: Batch) -> Batch:
    batch.y = torch.zeros_like(batch.y)  # type: ignore[arg-type]
    return batch


def test_with_every_label_it_is_a_cvae_and_a_classifier() -> None:
    ssvae, cvae = objectives.find("ssvae"), objectives.find("cvae")
    ours, theirs = gradients(ssvae, "autoencoder"), gradients(cvae, "autoencoder")
    assert_alike(ours, theirs, ["encoder", "decoder"])
    batch = batch_of(ssvae)
    logits = batch.networks["classifier"](batch.x)
    entropy = torch.nn.functional.cross_entropy(logits, batch.y)
    expected = cvae.autoencoder(batch_of(cvae), LAMBDA) + math.log(CLASSES) + LAMBDA * entropy
    torch.testing.assert_close(ssvae.autoencoder(batch, LAMBDA), expected)


@pytest.mark.parametrize("label", [0, 3])
def test_without_labels_a_certain_classifier_stands_in_for_them(label: int) -> None:
    ssvae = objectives.find("ssvae")
    batch = unlabelled(batch_of(ssvae))
    sure_of(label, batch)
    y = torch.eye(CLASSES)[label].expand(len(batch.x), -1)
    expected = math.log(CLASSES) - batch.labelled(y).elbo(batch.x, batch.noise["epsilon"])
    loss, classified = semi_supervised(batch)
    torch.testing.assert_close(loss, expected)
    assert classified.abs().max() == 0
    torch.testing.assert_close(ssvae.bound(batch, batch.x, batch.noise["epsilon"]), -loss)


def test_a_classifier_of_labels_alone_learns_nothing_from_points_without_one() -> None:
    ours, theirs = objectives.find("labels_alone"), objectives.find("ssvae")
    grads = []
    for objective in (ours, theirs):
        batch = batch_of(objective)
        batch.y[::2] = 0  # type: ignore[index]
        flats = {name: net.flat for name, net in batch.networks.items()}  # type: ignore[attr-defined]
        loss = objective.autoencoder(batch, LAMBDA)
        grads.append(dict(zip(flats, torch.autograd.grad(loss, list(flats.values())), strict=True)))
    assert_alike(*grads, ["encoder", "decoder"])  # type: ignore[misc]
    batch = batch_of(ours)
    classifier = batch.networks["classifier"]
    entropy = torch.nn.functional.cross_entropy(classifier(batch.x[1::2]), batch.y[1::2])  # type: ignore[index]
    own = torch.autograd.grad(entropy, classifier.flat)[0] / 2  # type: ignore[attr-defined]  # half of the batch, all of the data labelled
    assert_alike(grads[0], {"classifier": own}, ["classifier"])
    assert (grads[1]["classifier"] - LAMBDA * own).abs().max() > 1e-3


def test_a_doubtful_classifier_pays_no_more_than_it_gains_in_entropy() -> None:
    # Gibbs: over all q, Σ q L + Σ q log q is least at q ∝ exp(−L), where it is −log Σ exp(−L)
    batch = unlabelled(batch_of(objectives.find("ssvae")))
    bounds = torch.stack([
        batch.labelled(torch.eye(CLASSES)[c].expand(len(batch.x), -1)).elbo(batch.x, batch.noise["epsilon"])
        for c in range(CLASSES)
    ], -1) - math.log(CLASSES)  # fmt: skip
    least = -torch.logsumexp(bounds, -1)
    assert (semi_supervised(batch)[0] >= least - 1e-4).all()
    batch.networks = {**batch.networks, "classifier": lambda x: bounds}
    torch.testing.assert_close(semi_supervised(batch)[0], least)


def test_labels_of_generated_points_are_uniform() -> None:
    batch = batch_of(objectives.find("aassvae"))
    batch.noise["u"] = torch.special.ndtri((torch.arange(1000) + 0.5) / 1000).unsqueeze(-1)
    batch.y = torch.zeros(1000, CLASSES)
    y = drawn_labels(batch)
    assert y.sum(0).tolist() == [200.0] * CLASSES
    assert set(y.unique().tolist()) == {0.0, 1.0}
    assert (y.sum(-1) == 1).all()


def test_aassvae_with_a_perfect_discriminator_is_an_ssvae() -> None:
    aassvae, ssvae = objectives.find("aassvae"), objectives.find("ssvae")
    ours, theirs = batch_of(aassvae), batch_of(ssvae)
    theirs.noise = ours.noise
    ours.y[::2] = 0  # type: ignore[index]
    theirs.y[::2] = 0  # type: ignore[index]

    def perfect(x: Tensor, dropout: Tensor | None) -> Tensor:  # D = 1 on data, 0 on what was generated
        return torch.where((x == ours.x).all(-1), -1e9, 1e9).to(x.dtype)

    ours.networks = {**ours.networks, "critic": perfect}
    torch.testing.assert_close(aassvae.autoencoder(ours, LAMBDA), ssvae.autoencoder(theirs, LAMBDA))


def test_labels_of_the_digits_are_there_for_the_part_that_the_name_says() -> None:
    whole = datasets.find("digits")
    for name, count in (("digits_1pct_labels", 15), ("digits_10pct_labels", 144)):
        data = datasets.find(name)
        points, labels = data.train.split([64, 10], -1)
        assert torch.equal(points, whole.train[:, :64])
        known = labels.sum(-1) == 1
        assert known.sum() == count
        assert torch.equal(labels[known], whole.train[known, 64:])
        assert labels[~known].abs().max() == 0
        assert labels.sum(0).max() - labels.sum(0).min() <= 1
        assert data.labelled == pytest.approx(count / 1437)
        assert torch.equal(data.test, whole.test)
    assert whole.train[:, 64:].sum(-1).min() == 1
