"""The bootstrap: resamples of units, medians over them, and the percentile intervals they give.

The draws are those of `scipy.stats.bootstrap` with the same generator, and so are the bounds;
medians are taken of ranks, in half the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from scipy import stats

from analysis.vocabulary import Floats

RESAMPLES = 4_999
CONFIDENCE = 0.95
_TAIL = (1 - CONFIDENCE) / 2
_BATCH = 500  # resamples held in memory at once: 500 × 576 ranks are 1.2 MB

Generator = np.random.Generator
Indices = npt.NDArray[np.int32]
Statistic = Callable[[Indices], Floats]
"""Drawn units [b, n] -> the statistic of each resample, [b]."""


def medians(values: Floats) -> Statistic:
    """The median over drawn units, of values [k] or [k, m]; NaN is no value, and the median of none is NaN."""
    flat = values.ravel()
    present = int(np.sum(~np.isnan(flat)))
    order = np.argsort(flat, kind="stable")  # NaN last
    ordered = np.append(flat[order], np.nan)
    ranks = np.empty(values.shape, np.int32)
    ranks.flat[order] = np.arange(len(flat), dtype=np.int32)

    def statistic(drawn: Indices) -> Floats:
        found = np.sort(ranks[drawn].reshape(len(drawn), -1), axis=-1)
        if present == len(flat):
            low, high = found[:, (found.shape[1] - 1) // 2], found[:, found.shape[1] // 2]
        else:
            count = np.sum(found < present, axis=-1)
            places = np.stack([(count - 1) // 2, count // 2], axis=-1)
            low, high = np.where(count[:, None], np.take_along_axis(found, places, axis=-1), len(flat)).T
        with np.errstate(invalid="ignore"):  # of −∞ and ∞ there is no middle: NaN
            return np.asarray((ordered[low] + ordered[high]) / 2)

    return statistic


def draws(units: int, rng: Generator, resamples: int = RESAMPLES) -> Iterator[Indices]:
    """So many resamples with replacement of so many units, in batches [b, units]."""
    for start in range(0, resamples, _BATCH):
        yield rng.integers(units, size=(min(_BATCH, resamples - start), units), dtype=np.int32)


def distribution(statistic: Statistic, units: int, rng: Generator) -> Floats:
    """The statistic of each resample, [RESAMPLES]."""
    return np.concatenate([statistic(drawn) for drawn in draws(units, rng)])


def percentiles(resampled: Floats) -> tuple[float, float]:
    """Bounds of the percentile interval; observed ones where resamples are infinite."""
    if np.isinf(resampled).any():
        low, high = np.quantile(resampled, [_TAIL, 1 - _TAIL], method="inverted_cdf")
        return float(low), float(high)
    low, high = stats.quantile(resampled, np.array([_TAIL, 1 - _TAIL]))
    return float(low), float(high)
