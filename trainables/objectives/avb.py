"""AVB: adversarial variational Bayes."""

from typing import final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.batch import Batch, Model
from trainables.form import CRITIC, ENCODER, EXPLICIT_DECODER, Form
from trainables.objectives.base import Objective


@final
class AVB(Objective):
    """AVB: the evidence lower bound of an encoder that can only be sampled; a critic stands for its density.

    Source: Mescheder et al. 2017, eq. 3.3 and 3.9, algorithm 1.

        critic: E_q s(−T(x, z~)) + E s(T(x, z));   encoder and decoder: −E_q [log p(x|z~) − T(x, z~)]

    T's optimum is log q(z|x) − log p(z) (eq. 3.4).

    Departures from the paper:
        1. T is one network of the concatenated pair, not the inner product of one of x and one of z.
        2. Three steps of T an iteration (§3.2 names several steps as a variant; the experiments take one).
    """

    name = "avb"
    label = "AVB"
    form = Form(
        {"encoder": ENCODER, "decoder": EXPLICIT_DECODER, "critic": CRITIC},
        {"critic": ("critic",), "autoencoder": ("encoder", "decoder")},
        critic_steps=3,
    )

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """Eq. 3.3, negated."""
        prior = batch.score("critic", "p", x=batch.x, z=batch.z)
        return softplus(-batch.f_q).mean() + softplus(prior).mean()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Eq. 3.9, negated; λ is not used."""
        return -(batch.log_p(batch.x, batch.z_q) - batch.f_q).mean()

    def bound(self, model: Model, x: Tensor, epsilon: Tensor) -> Tensor:
        """Eq. 3.5; too high where T is not at its optimum."""
        z = model.encode(x, epsilon)
        return model.log_p(x, z) - model.score("critic", "q", x=x, z=z)
