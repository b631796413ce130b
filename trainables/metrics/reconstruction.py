"""The cost of a reconstruction under the decoder's density."""

from __future__ import annotations

from typing import final

from torch import Tensor

from result_metrics import SMALLER
from trainables.metrics.base import Metric
from trainables.metrics.evaluated import Evaluated


@final
class Reconstruction(Metric):
    """−E log p(x|z~) with z~ ~ q(z|x), mean over test points, in nats; of binary data in [0, ∞).

    Source: Kingma & Welling 2014, eq. 8. Data that are unbounded, such as points in the plane, have none: nothing bounds
    the density of a Gaussian there, and the number has no zero. Where p(x|z) is known it is none that grows.
    """

    name, label, better = "reconstruction", "−E log p(x|z~)", SMALLER
    needs = ("encoder", "explicit decoder", "bounded or single")

    def __call__(self, at: Evaluated) -> Tensor:
        return -at.model.log_p(at.x, at.z).double().mean()
