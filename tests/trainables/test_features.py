"""Networks that give features: of a critic that is the inner product of two, as an objective declares it."""

from __future__ import annotations

from dataclasses import replace
from typing import final

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from tests.trainables.factory import run
from trainables import datasets, objectives
from trainables.engine import assemble
from trainables.engine.blocks import Block
from trainables.engine.cohort import Cohort
from trainables.engine.native import build
from trainables.models.batch import Batch
from trainables.models.spec import DECODER, ENCODER, Form, Net
from trainables.objectives.base import Objective
from trainables.testing import objective_contract

CPU = torch.device("cpu")
WIDTH = 8


@final
class InnerProduct(Objective):
    """ALI whose critic is a(x) · b(z)."""

    name = "inner_product"
    label = "ALI, inner product"
    form = Form(
        {
            "encoder": ENCODER,
            "decoder": DECODER,
            "critic_x": Net(("x",), "features", width=WIDTH, adversarial=True),
            "critic_z": Net(("z",), "features", width=WIDTH, adversarial=True),
        },
        {"critic": ("critic_x", "critic_z"), "autoencoder": ("encoder", "decoder")},
    )

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        f_q, f_p = self.scores(batch)
        return softplus(f_q).mean() + softplus(-f_p).mean()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        f_q, f_p = self.scores(batch)
        return softplus(-f_q).mean() + softplus(f_p).mean()

    def scores(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Scores of (x, z~) and of (x~, z), [batch] each."""
        pairs = (("q", batch.x, batch.z_q), ("p", batch.x_p, batch.z))
        f_q, f_p = (
            (batch.score("critic_x", side, x=x) * batch.score("critic_z", side, z=z)).sum(-1)
            for side, x, z in pairs
        )
        return f_q, f_p


PATH = f"{InnerProduct.__module__}:InnerProduct"
test_a_critic_that_is_an_inner_product_conforms = objective_contract(InnerProduct)


def test_a_part_of_a_critic_has_the_critics_depth_and_as_many_outputs_as_features() -> None:
    data, form = datasets.find("mixture5"), InnerProduct.form
    assert form.size("critic_x", data) == (2, WIDTH)
    configuration = run(depth=1, critic_depth=3).configuration
    assert assemble.build(configuration, form, data)["critic_z"].net.shape == (2, 32, 3, WIDTH)
    reader = Net(("features",), "score")
    assert replace(form, networks={**form.networks, "critic": reader}).size("critic", data) == (WIDTH, 1)


def test_networks_that_give_features_must_have_one_width() -> None:
    wider = Net(("z",), "features", width=9)
    form = replace(InnerProduct.form, networks={**InnerProduct.form.networks, "critic_z": wider})
    with pytest.raises(ValueError, match=r"one width, got \{'critic_x': 8, 'critic_z': 9\}"):
        form.size("critic_x", datasets.find("mixture5"))


@pytest.mark.skipif(build.library() is None, reason="needs a C++ compiler")
@pytest.mark.parametrize("player", ["critic", "autoencoder"])
def test_an_inner_product_is_lowered_to_the_gradients_it_has_on_torch(player: str) -> None:
    torch.set_flush_denormal(True)
    found = []
    for kernels in (True, False):
        cohort = Cohort([run(PATH, seed=s, critic_dropout=0.2 * s) for s in (0, 1)], CPU, kernels)
        assert cohort.native == kernels
        with torch.inference_mode():
            losses = cohort.train(Block(cohort.runs, 1, CPU), [(player, 0)])
        trained = objectives.find(PATH).form.players[player]
        found.append([losses, *(cohort.optimisers[name].state["first"] for name in trained)])
    for ours, theirs in zip(*found, strict=True):
        assert theirs.abs().max() > 0
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)
