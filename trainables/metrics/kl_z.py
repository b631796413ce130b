"""Divergence of the codes of all data together from the prior."""

from __future__ import annotations

from typing import final

from torch import Tensor

from result_metrics import SMALLER
from trainables.estimators.neighbours import kl_divergence
from trainables.metrics.base import END, Metric
from trainables.metrics.evaluated import Evaluated

CODES = 4096
"""Codes that it is estimated from, and as many of the prior."""


@final
class KlZ(Metric):
    """KL(q(z) ‖ p(z)) of the aggregate q(z) = E_x q(z|x), in [0, ∞] but for the estimate's error, in nats.

    From nearest neighbours: Wang, Kulkarni and Verdú 2009, eq. 5. Source: Mescheder et al. 2017, §5.2. Of data of a few
    distinct points, where q(z) is that of all data there are; +∞ where codes collapsed to points, which have no density.
    """

    name, label, better = "kl_z", "KL(q(z) ‖ p(z))", SMALLER
    infinite = True
    when, alone = END, True
    needs = ("encoder", "not labels", "distinct")

    def __call__(self, at: Evaluated) -> Tensor:
        assert at.data.distinct is not None
        x = at.x[: at.data.distinct].repeat(CODES // at.data.distinct, 1)
        prior = at.draw(CODES, at.data.z_dim, name="prior")
        codes = at.model.encode(x, at.draw(len(x), at.model.form.dims(at.data)["epsilon"], name="epsilon"))
        return kl_divergence(codes, prior)
