"""WGAN-GP: the Wasserstein distance, with a critic kept Lipschitz by a penalty on its gradient."""

from dataclasses import replace
from typing import final

import torch
from torch import Tensor

from trainables.models.batch import Batch
from trainables.models.spec import NOISE
from trainables.objectives.wgan import WassersteinObjective
from trainables.parameters import own


@final
class WGANGP(WassersteinObjective):
    """WGAN-GP: the gradient of the critic has norm 1 between data and generated points.

    Source: Gulrajani et al. 2017, algorithm 1; Pu et al. 2017 (sVAE), eq. 25.

        critic: E_data f − E_p f + c E (‖∇f(u x + (1 − u) x~)‖ − 1)²,  u ~ U(0, 1), c (`penalty`) 10;   decoder: E_p f

    Attributes:
        penalty: c, the weight of the penalty on the critic's gradient.

    Departures from the paper:
        1. The sign of f, as everywhere here.
        2. 5 critic steps an iteration as in the paper, on one batch of data, and the configuration's `steps` of the
           decoder.
        3. The decoder takes noise ξ beside z, as the joint systems' does.
        4. Adam's β are the configuration's and 0.999; the paper's are 0 and 0.9.
    """

    name = "wgan_gp"
    label = "WGAN-GP"
    penalty: float = own(10.0, least=0.0)
    form = replace(WassersteinObjective.form, noise=(*NOISE, "u"), twice=True)

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """E_data f − E_p f + the penalty."""
        u = 0.5 * (1 + torch.erf(batch.noise["u"] / 2**0.5))  # the distribution function makes it uniform
        between = u * batch.x + (1 - u) * batch.x_p
        slope = torch.func.grad(lambda x: batch.score("critic", "q", x=x).sum())(between)
        norm = (slope.square().sum(-1) + 1e-12).sqrt()  # differentiable at 0
        return super().critic(batch, lam) + self.penalty * (norm - 1).square().mean()
