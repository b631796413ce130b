"""ALICE with the adversarial form of its cycle."""

from typing import final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch
from trainables.models.spec import CRITIC, DECODER, ENCODER, Form, Net
from trainables.objectives.base import Objective
from trainables.parameters import weight


@final
class ALICECycle(Objective):
    """ALICE, adversarial cycle: a second critic tells (x, x) from (x, x^), in place of a distance between them.

    Source: Li et al. 2017, §3.2 (implicit cycle-consistency); x^ = x_θ(z~, ξ') is the reconstruction.

        critics: E_q s(f) + E_p s(−f) + E s(g(x, x)) + E s(−g(x, x^))
        encoder and decoder: E_q s(−f) + E_p s(f) + λ E s(g(x, x^))

    Departures from the paper:
        1. Non-saturating, as ALI; λ weights the cycle.
    """

    name = "alice_cycle"
    label = "ALICE, adversarial"
    lam = weight()
    form = Form(
        {
            "encoder": ENCODER,
            "decoder": DECODER,
            "critic": CRITIC,
            "critic_cycle": Net(("x", "x_again"), "score"),
        },
        {"critic": ("critic", "critic_cycle"), "autoencoder": ("encoder", "decoder")},
    )

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """Both critics' loss."""
        same = batch.score("critic_cycle", "q", x=batch.x, x_again=batch.x)
        return super().critic(batch, lam) + softplus(same).mean() + softplus(-self.cycle(batch)).mean()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        ali = softplus(-batch.f_q).mean() + softplus(batch.f_p).mean()
        return ali + lam * softplus(self.cycle(batch)).mean()

    def cycle(self, batch: Batch) -> Tensor:
        """g(x, x^), [batch]."""
        return batch.score("critic_cycle", "p", x=batch.x, x_again=batch.x_again)
