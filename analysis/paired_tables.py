"""The paired comparison in words and cells, the same for the page and for Markdown."""

from __future__ import annotations

import numpy as np

from analysis.estimates import Interval, holm
from analysis.measures import Measure
from analysis.paired import Difference, Divergence, Pairs
from analysis.style import bounded, counted, label, p_value
from result_schema import exact

Table = tuple[list[str], list[list[str]]]


def difference_cells(pairs: Pairs, found: list[Difference]) -> Table:
    """Header and cells of the differences of metrics, pairs with a DIVERGED side left out and counted."""
    header = ["λ", "metric", "pairs", found[0].unit if found else "configurations", "a side DIVERGED", "median difference [95 % BCa]",
              "mean difference [95 % BCa]", "Wilcoxon p", "Holm p", f"{label(pairs.first)} better in"]  # fmt: skip
    families: dict[Measure, list[Difference]] = {}
    for d in found:
        families.setdefault(d.measure, []).append(d)
    corrected = {
        (d.lam, measure): p
        for measure, family in families.items()
        for d, p in zip(family, holm([one.signed_rank_p for one in family]), strict=True)
    }
    cells = [
        [
            exact(d.lam), d.measure.label, str(d.pairs), str(d.configurations), str(d.diverged), bounded(d.median),
            bounded(d.mean), p_value(d.signed_rank_p), p_value(corrected[d.lam, d.measure]),
            "–" if not d.pairs else f"{100 * d.better_share:.1f} %",
        ]
        for d in found
    ]  # fmt: skip
    return header, cells


def worst_rank_cells(pairs: Pairs, found: list[Difference]) -> Table:
    """Header and cells of the worst-rank analysis, in which no divergence is left out."""
    header = ["λ", "metric", f"{label(pairs.first)} better", "equal", f"{label(pairs.second)} better",
              f"{label(pairs.first)} better in", "sign test p", "Wilcoxon p"]  # fmt: skip
    cells = []
    for d in found:
        w = d.worst_rank
        total = w.wins + w.ties + w.losses
        share = f"{100 * w.wins / total:.1f} %" if total else "–"
        counts = [str(w.wins), str(w.ties), str(w.losses), share]
        tests = [p_value(w.sign_p), p_value(w.signed_rank_p)] if total else ["–", "–"]
        cells.append([exact(d.lam), d.measure.label, *counts, *tests])
    return header, cells


def divergence_cells(pairs: Pairs, found: list[Divergence]) -> Table:
    """Header and cells of McNemar's test on divergence over all pairs."""
    header = ["λ", "pairs", "neither DIVERGED", f"only {label(pairs.first)}", f"only {label(pairs.second)}", "both",
              "McNemar exact p", "not yet a pair"]  # fmt: skip
    cells = []
    for d in found:
        counts = [d.neither, d.first_only, d.second_only, d.both]
        cells.append(
            [
                exact(d.lam),
                str(sum(counts)),
                *map(str, counts),
                p_value(d.p),
                str(pairs.unmatched[d.lam]),
            ]
        )
    return header, cells


def finding(pairs: Pairs, score: Difference, mse: Difference, divergence: Divergence) -> str:
    """What the pairs say at one λ, in one sentence; a side is called better only where the interval excludes zero.

    Args:
        score, mse: the differences of the inception score and of log10 MSE at that λ.
        divergence: McNemar's table at that λ.
    """
    first, second = label(pairs.first), label(pairs.second)
    total = divergence.neither + divergence.first_only + divergence.second_only + divergence.both
    if not total:
        return f"At λ = {exact(score.lam)}: no pair of results of {first} and {second}."
    compared = []
    if score.pairs:
        compared.append(f"inception score {_verdict(score)} (median difference {bounded(score.median)} over "
                        f"{counted(score.configurations, score.unit[:-1])})")  # fmt: skip
    if mse.pairs:
        with np.errstate(over="ignore"):
            ratio = Interval(*np.power(10.0, [mse.median.point, mse.median.low, mse.median.high]).tolist())
        compared.append(f"MSE {_verdict(mse)} (median ratio {bounded(ratio)})")
    said = ", ".join(compared) or "no pair in which both COMPLETED with an inception score or an MSE"
    rates = [100 * (one + divergence.both) / total for one in (divergence.first_only, divergence.second_only)]
    text = (
        f"At λ = {exact(score.lam)}, {first} against {second}: {said}. Of {counted(total, 'pair')} {rates[0]:.1f} % against "
        f"{rates[1]:.1f} % DIVERGED (McNemar p {_equals(p_value(divergence.p))})"
    )
    worst = score.worst_rank
    units = worst.wins + worst.ties + worst.losses
    if not units:
        return f"{text}."
    return (
        f"{text}; with every divergence ranked worst, {first} has the better inception score in {100 * worst.wins / units:.1f} % "
        f"of {score.unit}."
    )


def _verdict(found: Difference) -> str:
    """In words what the interval allows to be said, without a claim where it includes zero or does not exist."""
    if not found.median.excludes(0):
        return "not shown to differ"
    return "higher" if found.median.point > 0 else "lower"


def _equals(p: str) -> str:
    return p if p.startswith("<") else f"= {p}"
