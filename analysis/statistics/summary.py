"""The summary table: one row per algorithm and λ, the numbers that the report, its CSV and its Markdown show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis import rows, states
from analysis.rows import Rows
from analysis.statistics import estimates
from analysis.statistics.estimates import Interval
from analysis.statistics.locations import clustered_median, clustered_share
from analysis.statistics.published import published_value
from analysis.vocabulary import Measure
from analysis.words import bounded, label, number, percent
from result_names import exact
from result_schema import Outcome


def summarise(study: Rows) -> pd.DataFrame:
    """One row per algorithm and λ that has rows.

    Columns: `algorithm`, `lam`, `runs` (rows of any outcome), `completed`, `diverged`, `stopped`, `failed`;
    `diverged_share` = diverged / (completed + diverged) with Wilson bounds `_low`, `_high`; and for each metric
    `_n` (COMPLETED runs with a value, finite or infinite), `_median` with bounds `_median_low`, `_median_high` over
    configurations, `_q25`, `_q75`, `_mean`, `_std` (n − 1) over those runs, `_median_worst_rank` over those
    and the DIVERGED ones, each of which counts as worse than any value (infinite where that median is a DIVERGED
    run; NaN of a system that has not the metric), with its bounds and quartiles `_median_worst_rank_low`, `_high`,
    `_q25_worst_rank`, `_q75_worst_rank`; and `_published_mean`, `_published_std`.
    """
    table = []
    for lam in study.lambdas:
        for algorithm in study.algorithms:
            group = study.group(algorithm, lam)
            if len(group):
                entry = {"algorithm": algorithm, "lam": lam, **_outcomes(group, study.unit)}
                for measure in dict.fromkeys((*study.headline, *study.measures)):
                    entry |= _metric(study, algorithm, lam, group, measure)
                table.append(entry)
    return pd.DataFrame(table)


def interval(entry: pd.Series, name: str) -> Interval:
    """An estimate and its bounds from a row of the summary: `diverged_share`, or `<metric>_median`."""
    return Interval(float(entry[name]), float(entry[f"{name}_low"]), float(entry[f"{name}_high"]))


def outcome_cells(summary: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the outcome table."""
    header = ["λ", "system", "runs", "COMPLETED", "DIVERGED", "share diverged [95 %]", "STOPPED", "FAILED"]
    cells = []
    for _, entry in summary.iterrows():
        counts = [str(entry[name]) for name in ("runs", "completed", "diverged")]
        rest = [str(entry[name]) for name in ("stopped", "failed")]
        share = percent(interval(entry, "diverged_share"))
        cells.append([exact(entry["lam"]), label(entry["algorithm"]), *counts, share, *rest])
    return header, cells


def metric_cells(summary: pd.DataFrame, measure: Measure) -> tuple[list[str], list[list[str]]]:
    """Header and cells of one metric's table."""
    header = ["λ", "system", "n", "median [95 %]", "quartiles", "median, DIVERGED as worst", "mean ± std",
              "published mean ± std"]  # fmt: skip
    name = measure.column
    cells = []
    for _, entry in summary.iterrows():
        worst = entry[f"{name}_median_worst_rank"]
        cells.append([
            exact(entry['lam']),
            label(entry["algorithm"]),
            str(entry[f"{name}_n"]),
            bounded(interval(entry, f"{name}_median")),
            f"{number(entry[f'{name}_q25'])} – {number(entry[f'{name}_q75'])}" if entry[f"{name}_n"] else "–",
            "DIVERGED" if np.isinf(worst) and entry["diverged"] else number(worst),
            _plus_minus(entry[f"{name}_mean"], entry[f"{name}_std"]),
            _as_printed(entry[f"{name}_published_mean"], entry[f"{name}_published_std"]),
        ])  # fmt: skip
    return header, cells


def _outcomes(group: pd.DataFrame, unit: str) -> dict[str, float]:
    count = {outcome: int((group["outcome"] == outcome.value).sum()) for outcome in Outcome}
    completed, diverged = count[Outcome.COMPLETED], count[Outcome.DIVERGED]
    results = rows.results(group)
    share = clustered_share(results["outcome"] == Outcome.DIVERGED.value, results[unit])
    return {
        "runs": len(group),
        "completed": completed,
        "diverged": diverged,
        "stopped": count[Outcome.STOPPED],
        "failed": count[Outcome.FAILED],
        "diverged_share": share.point,
        "diverged_share_low": share.low,
        "diverged_share_high": share.high,
    }


def _metric(
    study: Rows, algorithm: str, lam: float, group: pd.DataFrame, measure: Measure
) -> dict[str, float]:
    name = measure.column
    everyone = states.values(group, measure)
    there = ~np.isnan(everyone)
    values = everyone[there]
    median = clustered_median(values, group.loc[there, study.unit])
    mean, std = estimates.mean_and_std(values)
    low, high = estimates.quartiles(values)
    ranked = states.ranked(group, measure, study.having(name))
    counted = ~np.isnan(ranked)
    ranked = ranked[counted]
    ranked_median, ranked_low, ranked_high = median, low, high
    if len(ranked) > len(values):
        ranked_median = clustered_median(ranked, group.loc[counted, study.unit])
        ranked_low, ranked_high = estimates.quartiles(ranked)
    printed = published_value(study, algorithm, lam, name)
    return {
        f"{name}_n": len(values),
        f"{name}_median": median.point,
        f"{name}_median_low": median.low,
        f"{name}_median_high": median.high,
        f"{name}_q25": low,
        f"{name}_q75": high,
        f"{name}_mean": mean,
        f"{name}_std": std,
        f"{name}_median_worst_rank": ranked_median.point,
        f"{name}_median_worst_rank_low": ranked_median.low,
        f"{name}_median_worst_rank_high": ranked_median.high,
        f"{name}_q25_worst_rank": ranked_low,
        f"{name}_q75_worst_rank": ranked_high,
        f"{name}_published_mean": _or_nan(printed.value if printed else None),
        f"{name}_published_std": _or_nan(printed.std if printed else None),
    }


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _plus_minus(mean: float, std: float) -> str:
    return "–" if np.isnan(mean) else f"{number(mean)} ± {number(std)}"


def _as_printed(mean: float, std: float) -> str:
    """A published number with all its digits: rounding it would make it another number."""
    return "–" if np.isnan(mean) else f"{mean:g} ± {std:g}"
