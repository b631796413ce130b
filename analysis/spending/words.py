"""Costs as tables: by device and system, with the same runs one at a time beside them."""

from __future__ import annotations

import math

import pandas as pd

from analysis.document.blocks import Cells
from analysis.spending.alone import SOURCE
from analysis.spending.runs import DEVICES, JOULES, Total, alone, costs
from analysis.words import counted, label, number
from result_prices import Prices

UNKNOWN = "not known"

HOW = (
    "Device time is training alone: a run's share of its cohort's time, of the part of the device that the cohort had. Starting, "
    "storing, mirroring and reporting are not in it. Energy is a run's device time at the mean power that its part of the device took; "
    "where the machine does not tell it is not known, and never 0."
)

ALONE = f"“One at a time” is an estimate by measured ratios ({SOURCE}): in eager PyTorch, one run on all cores at a time, and one on each core."


def by_system(runs: pd.DataFrame, prices: Prices | None) -> Cells:
    """A line per system and kind of device, and one for all of a kind."""
    spent = costs(runs, prices).join(alone(runs)).assign(algorithm=runs["algorithm"])
    money = [f"{prices.currency or 'money'}", f"{prices.currency or 'money'} a run"] if prices else []
    header = ["system", "device", "runs", "device hours", "device seconds a run", "kWh", *money,
              "one at a time: hours", "one per core: hours"]  # fmt: skip
    lines = []
    for kind, here in spent.groupby("device", sort=True):
        groups = list(here.groupby("algorithm", sort=False))
        for name, group in [*groups, ("", here)] if len(groups) > 1 else groups:
            lines.append(_line(label(str(name)) if name else "all", str(kind), group, prices))
    return header, lines


def _line(name: str, kind: str, group: pd.DataFrame, prices: Prices | None) -> list[str]:
    seconds, joules, money, one, packed = (
        Total.of(group[column].to_numpy(float))
        for column in ("device_seconds", "joules", "money", "one", "packed")
    )
    each = seconds.value / seconds.known if seconds.known else math.nan
    priced = [shown(money), shown(money, money.known or 1)] if prices else []
    return [name, DEVICES.get(kind, kind), f"{len(group):,}", shown(seconds, 3600), number(each), shown(joules, JOULES),
            *priced, shown(one, 3600), shown(packed, 3600)]  # fmt: skip


def shown(total: Total, unit: float = 1.0) -> str:
    """A total in a unit, and of how many runs it is where it is not of all."""
    if not total.known:
        return UNKNOWN
    part = "" if total.known == total.runs else f" (of {counted(total.known, 'run')})"
    return f"{number(total.value / unit)}{part}"
