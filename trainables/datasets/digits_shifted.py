"""Two domains of images without a download: half of scikit-learn's digits as they are, and the other half shifted."""

from __future__ import annotations

import functools
from typing import final

from torch import Tensor

from trainables.datasets.base import DataSet
from trainables.datasets.digits import GreyDigits
from trainables.datasets.shifts import SHIFTS, Shifted
from trainables.parameters import own


@final
class DigitsShifted(GreyDigits):
    """Every second grey digit of those to train on, 719, and as a second domain the 718 others, shifted: no digit is in both.

    Attributes:
        shift: of the second domain (`trainables.datasets.shifts`).
    """

    name = "digits_shifted"
    z_dim = 64
    likelihood_points = 0
    shift: str = own("rotated", among=tuple(SHIFTS))

    @property
    def version(self) -> str:  # type: ignore[override]
        return f"{self.name}-v1"

    @property
    def train(self) -> Tensor:
        return super().train[::2]

    @functools.cached_property
    def other(self) -> DataSet:
        return Shifted(GreyDigits(), self.shift)
