"""Cost of each run: device time, energy and money, each unknown where the rows or the price list do not tell it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.spending.alone import RATIOS
from analysis.vocabulary import Floats
from result_prices import Prices

JOULES = 3.6e6
"""Of a kilowatt-hour."""

DEVICES = {"cpu": "core", "cuda": "GPU"}
"""Type of a torch device -> what an hour of it is called an hour of."""


@dataclass(frozen=True)
class Total:
    """Sum over runs that tell it.

    Attributes:
        value: of these; NaN where no run tells it.
        known, runs: number of these, and of all.
    """

    value: float
    known: int
    runs: int

    @classmethod
    def of(cls, values: Floats) -> Total:
        there = values[~np.isnan(values)]
        return cls(float(there.sum()) if len(there) else float("nan"), len(there), len(values))


def costs(runs: pd.DataFrame, prices: Prices | None = None) -> pd.DataFrame:
    """A row per run, by the same index: `device` (its type), `device_seconds`, `joules`, `money`; NaN for what is not known.

    A run's device seconds are its share of its cohort's training time, times the part of the device that the cohort had: a core on a
    CPU, also in rows that do not say it. Starting, storing and reporting are nobody's, and a FAILED run's time is not recorded.

    Args:
        runs: rows of any outcome.
        prices: for money; None where none are given.
    """
    kind = runs["device"].map({name: str(name).partition(":")[0] for name in runs["device"].unique()})
    kind = kind.astype(object)  # of a column of categories too
    share = _column(runs, "device_share").where(lambda s: s.notna(), np.where(kind == "cpu", 1.0, np.nan))
    seconds = runs["train_seconds"].astype(float) * share
    joules = _column(runs, "energy_joules")
    money = pd.Series(np.nan, runs.index)
    if prices is not None:
        money = kind.map(prices.per_hour).astype(float) * seconds / 3600
        if (
            prices.per_kwh is not None
        ):  # where energy has a price and is not known, neither is what the run costs
            money = money + joules / JOULES * prices.per_kwh
    return pd.DataFrame({"device": kind, "device_seconds": seconds, "joules": joules, "money": money})


def alone(runs: pd.DataFrame) -> pd.DataFrame:
    """A row per run: its device seconds `one` run at a time on a machine, and `packed`, one per core, by ratios measured for its width.

    NaN on other devices than a CPU, and for widths beyond those that were measured.
    """
    widths = np.array(sorted(RATIOS))
    width = _column(runs, "width").to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.abs(np.log2(width)[:, None] - np.log2(widths)[None])
    nearest = widths[np.argmin(np.nan_to_num(apart, nan=np.inf), axis=1)]
    within = (width >= widths[0]) & (width <= widths[-1])
    seconds = costs(runs)["device_seconds"].to_numpy(float)
    seconds = np.where(within & (runs["device"] == "cpu").to_numpy(bool), seconds, np.nan)
    ratios = np.array([RATIOS[w] for w in nearest]).reshape(-1, 2)
    return pd.DataFrame({"one": seconds * ratios[:, 0], "packed": seconds * ratios[:, 1]}, runs.index)


def _column(runs: pd.DataFrame, name: str) -> pd.Series:
    """Numbers of a column, NaN where it has none; of a study without it everywhere."""
    if name not in runs:
        return pd.Series(np.nan, runs.index, dtype=float)
    return pd.to_numeric(runs[name], errors="coerce").astype(float)
