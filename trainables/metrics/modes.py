"""Modes that the generated points cover, and how many of the points are on one."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from torch import Tensor

from result_metrics import LARGER, SMALLER
from trainables.datasets.base import Means, squared_distances
from trainables.metrics.base import END, Metric
from trainables.metrics.evaluated import Evaluated
from trainables.metrics.inception_score import inception_score

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet

ON_MODE_RADIUS = 3.0
"""A generated point is on a mode when it lies within this many standard deviations of its mean."""

COVERED_SHARE = 0.1
"""A mode is covered when it holds at least this part of its fair share (n / modes) of the generated points."""


def on_mode(x: Tensor, means: Means, variance: float) -> Tensor:
    """Which points lie on which mode, within 3σ of its mean: bool [n, modes] from points [n, d]."""
    return squared_distances(x, means) <= ON_MODE_RADIUS**2 * variance


def modes_covered(x: Tensor, means: Means, variance: float) -> Tensor:
    """Number of modes that hold at least a tenth of their fair share of the points x [n, d]."""
    enough = COVERED_SHARE * x.shape[0] / len(means)
    return (on_mode(x, means, variance).sum(0) >= enough).sum().to(x.dtype)


def on_mode_share(x: Tensor, means: Means, variance: float) -> Tensor:
    """Share of the points x [n, d] on any mode; in the plane 1 − exp(−4.5) = 0.989 for true samples."""
    return on_mode(x, means, variance).any(-1).to(x.dtype).mean()


def mode_imbalance(log_posterior: Tensor) -> Tensor:
    """½ Σ_k |p(k) − 1/modes| of the mean p(k) of the points' posteriors, from log p(k|x) [n, modes]: a scalar in [0, 1)."""
    return (log_posterior.exp().mean(0) - 1 / log_posterior.shape[-1]).abs().sum() / 2


def on_mode_score(log_posterior: Tensor, on_any: Tensor) -> Tensor:
    """Inception score of the points that lie on some mode, times their share: a scalar from log p(k|x) [n, modes] and bool [n]."""
    return (
        inception_score(log_posterior, on_any.to(log_posterior.dtype)) * on_any.to(log_posterior.dtype).mean()
    )


@final
class ModesCovered(Metric):
    """Modes within 3σ of which lies at least a tenth of their fair share of the generated points: a count in [0, modes].

    Source: after Chen et al. (sVAE), §6.1.
    """

    name, label, better = "modes_covered", "modes covered", LARGER
    worst = 0.0
    needs = ("modes", "decoder")

    def __call__(self, at: Evaluated) -> Tensor:
        return modes_covered(at.generated.double(), at.data.modes, at.data.mode_variance)

    def best_on(self, data: DataSet) -> float:
        """All of them."""
        return float(len(data.modes))


@final
class OnModeShare(Metric):
    """Share of the generated points within 3σ of some mode's mean, in [0, 1].

    Source: after Chen et al. (sVAE), §6.1.
    """

    name, label, better = "on_mode_share", "on-mode share", LARGER
    best, worst = 1.0, 0.0
    needs = ("modes", "decoder")

    def __call__(self, at: Evaluated) -> Tensor:
        return on_mode_share(at.generated.double(), at.data.modes, at.data.mode_variance)


@final
class ModeImbalance(Metric):
    """Total variation between the shares of the modes among the generated points and equal shares, in [0, 1): ½ Σ_k |p(k) − 1/modes|.

    A point counts for each mode by the data's exact posterior, as in the p(y) of the inception score (Salimans et al. 2016),
    which is next to a function of this: both are blind to where in a mode's region a point is. 1,024 true points have 0.025.
    """

    name, label, better = "mode_imbalance", "TV of mode masses", SMALLER
    smallest, best = 0.02, 0.0
    when = END
    needs = ("modes", "posterior", "decoder")

    def __call__(self, at: Evaluated) -> Tensor:
        return mode_imbalance(at.log_posterior)


@final
class OnModeScore(Metric):
    """Inception score of the generated points within 3σ of some mode's mean, times their share, in [0, modes]; true points have 4.94.

    One number of quality and balance: what lies off the modes adds nothing to it. Source: the score is that of Salimans et
    al. 2016; on the modes as of `on_mode_share`.
    """

    name, label, better = "on_mode_score", "on-mode inception score", LARGER
    smallest, worst = 0.05, 0.0
    when = END
    needs = ("modes", "posterior", "decoder")

    def __call__(self, at: Evaluated) -> Tensor:
        on_any = on_mode(at.generated.double(), at.data.modes, at.data.mode_variance).any(-1)
        return on_mode_score(at.log_posterior, on_any)

    def best_on(self, data: DataSet) -> float:
        """As many as there are modes."""
        return float(len(data.modes))


@final
class ModesCoveredZ(Metric):
    """The same of the second domain: its modes that points translated from the first cover, a count in [0, modes]."""

    name, label, better = "modes_covered_z", "modes of z covered", LARGER
    worst = 0.0
    needs = ("other_modes", "encoder")

    def __call__(self, at: Evaluated) -> Tensor:
        other = at.data.domains[-1]
        return modes_covered(at.z.double(), other.modes, other.mode_variance)

    def best_on(self, data: DataSet) -> float:
        """All of them."""
        return float(len(data.other_modes))


@final
class OnModeShareZ(Metric):
    """The same of the second domain: share of the points translated from the first within 3σ of some mode's mean, in [0, 1]."""

    name, label, better = "on_mode_share_z", "on-mode share of z", LARGER
    best, worst = 1.0, 0.0
    needs = ("other_modes", "encoder")

    def __call__(self, at: Evaluated) -> Tensor:
        other = at.data.domains[-1]
        return on_mode_share(at.z.double(), other.modes, other.mode_variance)
