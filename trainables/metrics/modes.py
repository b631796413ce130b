"""Modes that the generated points cover, and how many of the points are on one."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from torch import Tensor

from result_metrics import LARGER
from trainables.metrics.base import Metric
from trainables.metrics.evaluated import Evaluated

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet, Modes

ON_MODE_RADIUS = 3.0
"""A generated point is on a mode when it lies within this many standard deviations of its mean."""

COVERED_SHARE = 0.1
"""A mode is covered when it holds at least this part of its fair share (n / modes) of the generated points."""


def on_mode(x: Tensor, modes: Modes) -> Tensor:
    """Which points lie on which mode, within 3σ of its mean: bool [n, modes] from points [n, d]."""
    return modes.squared_distances(x) <= ON_MODE_RADIUS**2 * modes.variance


def modes_covered(x: Tensor, modes: Modes) -> Tensor:
    """How many of the modes hold at least a tenth of their fair share of the points x [n, d]."""
    enough = COVERED_SHARE * x.shape[0] / len(modes.means)
    return (on_mode(x, modes).sum(0) >= enough).sum().to(x.dtype)


def on_mode_share(x: Tensor, modes: Modes) -> Tensor:
    """Share of the points x [n, d] on any mode; in the plane 1 − exp(−4.5) = 0.989 for true samples."""
    return on_mode(x, modes).any(-1).to(x.dtype).mean()


@final
class ModesCovered(Metric):
    """Modes within 3σ of which lies at least a tenth of their fair share of the generated points: a count in [0, modes].

    Source: after Chen et al. (sVAE), §6.1.
    """

    name, label, better = "modes_covered", "modes covered", LARGER
    worst = 0.0
    needs = ("modes", "decoder")

    def __call__(self, at: Evaluated) -> Tensor:
        assert at.data.modes is not None
        return modes_covered(at.generated.double(), at.data.modes)

    def best_on(self, data: DataSet) -> float:
        """All of them."""
        assert data.modes is not None
        return float(len(data.modes.means))


@final
class OnModeShare(Metric):
    """Share of the generated points within 3σ of some mode's mean, in [0, 1].

    Source: after Chen et al. (sVAE), §6.1.
    """

    name, label, better = "on_mode_share", "on-mode share", LARGER
    best, worst = 1.0, 0.0
    needs = ("modes", "decoder")

    def __call__(self, at: Evaluated) -> Tensor:
        assert at.data.modes is not None
        return on_mode_share(at.generated.double(), at.data.modes)
