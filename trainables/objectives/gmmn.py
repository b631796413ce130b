"""GMMN: a decoder whose points have the moments of the data, without a critic."""

import math
from typing import final

from torch import Tensor

from trainables.models.batch import Batch
from trainables.models.spec import DECODER, Form
from trainables.objectives.base import Objective
from trainables.parameters import own

SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Bandwidths of the mixture's kernels, in units of the middle one."""


@final
class GMMN(Objective):
    """GMMN: the maximum mean discrepancy between data and generated points, by a mixture of Gaussian kernels.

    Source: Li et al. 2015 (generative moment matching networks), with the square root; Pu et al. 2017 (sVAE), eq. 25, name the
    discrepancy among integral probability metrics.

        √(E k(x, x') + E k(x~, x~') − 2 E k(x, x~)),   k(a, b) = Σ_σ exp(−‖a − b‖² / 2σ²)

    The σ are ¼, ½, 1, 2 and 4 times `bandwidth` · √d, d the dimensions of a point.

    Attributes:
        bandwidth: middle one of the kernels' widths σ, in units of √d.

    Departures from the paper:
        1. Its σ on MNIST, 2 to 80, are 0.07 to 2.9 of √d; here 0.1 to 1.6, whatever the data.
        2. Batches of the configuration's size, where the paper has 1,000 points.
        3. The decoder takes noise ξ beside z, as the joint systems' does; z is normal, the paper's uniform.
    """

    name = "gmmn"
    label = "GMMN"
    baselines = ("gan",)
    bandwidth: float = own(0.4, above=0.0)
    form = Form({"decoder": DECODER}, {"autoencoder": ("decoder",)})

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return (squared_mmd(batch.x, batch.x_p, self.bandwidth) + 1e-8).sqrt()  # differentiable at 0


def squared_mmd(x: Tensor, y: Tensor, bandwidth: float) -> Tensor:
    """MMD² between the empirical distributions of samples [n, d] and [m, d], a scalar in [0, 10]; points pair with themselves, too."""
    return (
        _kernel(x, x, bandwidth).mean()
        + _kernel(y, y, bandwidth).mean()
        - 2 * _kernel(x, y, bandwidth).mean()
    )


def _kernel(a: Tensor, b: Tensor, bandwidth: float) -> Tensor:
    """k of every pair, [n, m]."""
    squares = a.square().sum(-1).unsqueeze(-1) + b.square().sum(-1) - 2 * a @ b.t()
    sigmas = [scale * bandwidth * math.sqrt(a.shape[-1]) for scale in SCALES]
    first, *rest = [(-squares / (2 * sigma**2)).exp() for sigma in sigmas]
    return sum(rest, first)
