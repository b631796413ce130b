"""WGAN: the Wasserstein distance, with a critic kept Lipschitz by clipping."""

from dataclasses import replace
from typing import final

from torch import Tensor

from trainables.models.batch import Batch
from trainables.objectives.base import Objective
from trainables.objectives.gan import DecoderObjective
from trainables.parameters import own


class WassersteinObjective(Objective):
    """A decoder against a critic that estimates a distance; f is larger on generated points, as in `Objective`.

    Attributes:
        critic_steps: critic steps an iteration.
    """

    form = DecoderObjective.form
    critic_steps: int = own(5, least=1)

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self.form = replace(self.form, critic_steps=self.critic_steps)

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """E_data f − E_p f."""
        return batch.f_q.mean() - batch.f_p.mean()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return batch.f_p.mean()


@final
class WGAN(WassersteinObjective):
    """WGAN: every parameter of the critic is clipped to ± c (`clip`), 0.01 by default, after each of its steps.

    Source: Arjovsky et al. 2017, algorithm 1; Pu et al. 2017 (sVAE), eq. 25.

        critic: E_data f − E_p f;   decoder: E_p f      (the paper's f is −f)

    Attributes:
        clip: c, the bound of every parameter of the critic.

    Departures from the paper:
        1. The sign of f, as everywhere here.
        2. The configuration's optimiser, which is Adam where nothing is said; the paper's is `rmsprop` at a rate of 5e-5.
        3. 5 critic steps (`critic_steps`) an iteration as in the paper, on one batch of data, and the configuration's `steps` of
           the decoder.
        4. The decoder takes noise ξ beside z, as the joint systems' does.
    """

    name = "wgan"
    label = "WGAN"
    clip: float = own(0.01, above=0.0)

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self.form = replace(self.form, clip=self.clip)
