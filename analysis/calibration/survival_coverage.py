"""Coverage of whole survival curves by their simultaneous bands, simulated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.calibration.interval_coverage import POPULATIONS, frame
from analysis.fragility.statistics import Ordered
from analysis.fragility.survival import band
from analysis.statistics import estimates

UNITS = (12, 24, 48, 96, 576)
DATA = ("normal", "t(2)", "two optima, 80 : 20")
SEEDS = (1, 3)
_VALUES = 61
_LARGE = 400_000


def survival_coverage(repetitions: int, units: Sequence[int] = UNITS) -> pd.DataFrame:
    """Share of 95 % bands that hold the true curve at every value: index (band, data), columns configurations.

    Half of the variance of a result is its configuration's and half its seed's.
    """
    table: dict[tuple[str, str], list[float]] = {}
    for data in DATA:
        draw = POPULATIONS[data].draw
        large = estimates.generator("survival truth", data)
        everything = np.sort(draw(large, (_LARGE,)) + draw(large, (_LARGE,)))
        first, last = np.quantile(everything, [0.001, 0.999])
        values = np.linspace(first, last, _VALUES)
        truth = 1 - np.searchsorted(everything, values) / _LARGE
        for seeds in SEEDS:
            shares = []
            for n in units:
                rng = estimates.generator("survival coverage", data, seeds, n)
                places, held = np.repeat(np.arange(n), seeds), 0
                for _ in range(repetitions):
                    results = draw(rng, (n,))[places] + draw(rng, (n * seeds,))
                    _, low, high = band(Ordered(results, places, -np.inf), values, n, rng)
                    held += bool(((low <= truth) & (truth <= high)).all())
                shares.append(held / repetitions)
            table["survival curve, whole", f"{data}, seeds: {seeds}"] = shares
    return frame(table, units)
