"""Metrics of stored studies keep their bits: the same numbers from the same operations, written out once more, of every kind of system and data."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from result_metrics import VERSION_1
from tests.trainables.factory import run
from trainables import datasets, objectives
from trainables.datasets import digits, eight_schools, mixture
from trainables.engine.cohort import Cohort
from trainables.engine.evaluation import Evaluation
from trainables.estimators import annealing, neighbours, quadrature
from trainables.metrics import kl_z, log_likelihood
from trainables.models.batch import Model
from trainables.models.densities import log_prior
from trainables.randomness.streams import stream

PAIRS = [
    ("mixture5", "svae_r"), ("mixture5", "vae"), ("mixture5", "cgan"), ("four_images", "avb"), ("four_images", "cvae"), ("digits", "vae"),
    ("digits", "ssvae"), ("digits_grey", "as_vae"), ("digits_grey", "aavae"), ("eight_schools", "vae"), ("eight_schools", "avb"),
]  # fmt: skip


def every(model: Model, x: Tensor, y: Tensor, noise: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Metrics of one model at every evaluation, data set by data set; `noise` as of `Evaluation`."""
    data, form = model.data, model.form
    objective = objectives.find(name)
    values: dict[str, Tensor] = {}
    if "encoder" in form.networks:
        z = model.encode(x, noise["epsilon"])
        values["mse_x"] = (x.double() - model.mean_of_x(z, noise["xi"]).double()).square().mean()
        if data.name != "mixture5" and form.networks["decoder"].explicit:
            values["reconstruction"] = -model.log_p(x, z).double().mean()
    if data.name != "eight_schools":
        generated = model.decode(noise["z"], noise["xi"])
        points = generated.double()
        if data.name == "mixture5":
            means = torch.tensor(mixture.MEANS, dtype=torch.float64)
            squared = (points.unsqueeze(-2) - means).square().sum(-1)
            log_posterior = torch.log_softmax(-squared / (2 * 0.04), dim=-1)
            on_mode = squared <= 3.0**2 * 0.04
            values["modes_covered"] = (on_mode.sum(0) >= 0.1 * len(points) / 5).sum().double()
            values["on_mode_share"] = on_mode.any(-1).double().mean()
        elif data.name == "four_images":
            log_posterior = torch.log_softmax(10 * points, -1)
        else:
            log_posterior = digits.classifier(data.name).log_posterior(generated)
        posterior = log_posterior.exp()
        log_marginal = posterior.mean(0).clamp_min(torch.finfo(torch.float64).tiny).log()
        values["inception_score"] = (posterior * (log_posterior - log_marginal)).sum(-1).mean().exp()
        if "encoder" in form.networks and data.name != "four_images":
            z_again = model.encode(generated, noise["epsilon_again"]).double()
            values["mse_z"] = (noise["z"].double() - z_again).square().mean()
        if form.conditional:
            by_label = model.log_class(x) if "classifier" in form.networks else log_posterior
            values["accuracy"] = (by_label.argmax(-1) == y.argmax(-1)).double().mean()
    bound = objective.bound(model, x, noise["epsilon"])
    if bound is not None:
        values["elbo"] = bound.double().mean()
        values["elbo_error"] = bound.double().std() / len(bound) ** 0.5
    if data.levels:
        values["rmse"] = values["mse_x"].sqrt() * 17
        if "elbo" in values:
            values["bits_per_dim"] = -values["elbo"] / (64 * math.log(2)) + math.log2(17)
    return values


def at_the_end(model: Model, key: str) -> dict[str, float]:
    """Metrics of one model that are taken alone, with the draws that they always had."""

    def draw(*shape: int, name: str) -> Tensor:
        return torch.from_numpy(stream(key, "conclusion", name).standard_normal(shape, dtype=np.float32))

    data, form = model.data, model.form
    found: dict[str, float] = {}
    if data.name == "eight_schools":
        y = torch.tensor([eight_schools.EFFECTS])
        if form.networks["encoder"].explicit:
            elbo = model.elbo(y, draw(100_000, 10, name="epsilon")).double().mean()
        else:
            z = model.encode(y.expand(10_000, -1), draw(10_000, 10, name="epsilon")).double()
            straight, log_det = eight_schools.straightened(z)
            sides = [straight[straight[:, 0] > 0], straight[straight[:, 0] <= 0]]
            sides = sides if min(map(len, sides)) >= 50 else [straight]
            entropy = -log_det.mean()
            for side in sides:
                share = len(side) / len(z)
                entropy = entropy + share * (neighbours.entropy(side, k=1) - math.log(share))
            elbo = (model.log_p(y, z) + log_prior(z)).mean() + entropy
        return {"kl_posterior": eight_schools.log_evidence() - elbo.item()}
    if form.conditional or data.name == "mixture5":
        return {}
    if data.name == "four_images":
        images = torch.eye(4).repeat(128, 1)
        if form.networks["decoder"].explicit:
            found["log_likelihood"] = quadrature.by_quadrature(model, images[:4]).mean().item()
        codes = model.encode(images, draw(512, form.dims(data)["epsilon"], name="epsilon"))
        found["kl_z"] = neighbours.kl_divergence(codes, draw(512, 2, name="prior")).item()
    elif form.networks["decoder"].explicit:
        x = data.test[:64, :64].contiguous()

        def log_p(z: Tensor) -> Tensor:
            given = model.given("decoder", z=z.flatten(0, 1))
            return model.log_p_given(x, given.unflatten(0, z.shape[:2]))

        seed = draw(1, name="annealing").item()
        generator = torch.Generator().manual_seed(int(abs(seed) * 2**30))
        found["log_likelihood"] = (
            annealing.ais(log_p, 64, 8, 8, 10, generator, leapfrog=5).log_likelihood.mean().item()
        )
    return found


@pytest.mark.parametrize(("name", "algorithm"), PAIRS)
def test_every_metric_is_what_it_was_to_the_bit(
    name: str, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_likelihood, "TEMPERATURES", 10)
    monkeypatch.setattr(kl_z, "CODES", 512)
    data = datasets.find(name)
    runs = [replace(run(algorithm, seed=seed, budget=20), data=name) for seed in (3, 4)]
    with torch.inference_mode():
        cohort = Cohort(runs, torch.device("cpu"))
        evaluation = Evaluation(cohort, [metric.name for metric in VERSION_1])
        values, _ = evaluation(cohort)
        values |= evaluation.alone(cohort, np.ones(2, dtype=bool), last=True)

        def one(networks: dict[str, object], rows: Tensor, noise: Tensor) -> dict[str, Tensor]:
            x, y = rows.split([data.x_dim, data.classes], dim=-1)
            model = Model(networks, cohort.form, data, y=y if data.classes else None)  # type: ignore[arg-type]
            dims = evaluation.dims
            return every(
                model, x, y, dict(zip(dims, noise.split(list(dims.values()), dim=-1), strict=True)), algorithm
            )

        rows = data.test.expand(2, *data.test.shape)
        drawn = [
            stream(r.stream_key, "evaluation").standard_normal(evaluation.noise.shape[1:], dtype=np.float32)
            for r in runs
        ]
        expected = cohort.evaluate(one, rows, torch.from_numpy(np.stack(drawn)))
    with torch.no_grad():
        ended = [
            at_the_end(Model(cohort.member(m), cohort.form, data), r.stream_key) for m, r in enumerate(runs)
        ]
    everything = {
        **{n: v.tolist() for n, v in expected.items()},
        **{n: [one[n] for one in ended] for n in ended[0]},
    }
    assert {n: v.tolist() for n, v in values.items()} == everything
