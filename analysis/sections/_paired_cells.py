"""The paired comparison in words and cells, the same for the page and for Markdown."""

from __future__ import annotations

from analysis.comparison.paired import Difference, Divergence, Pairs
from analysis.comparison.verdicts import natural
from analysis.document.blocks import Cells
from analysis.words import bounded, counted, label, p_value


def verdict_cells(found: list[tuple[Pairs, Difference]]) -> Cells:
    """Header and cells of the verdicts of a family, one line each."""
    header = ["λ", "systems", "metric", "estimate", "difference or ratio [simultaneous]", "smallest of interest", "verdict",
              "p × comparisons"]  # fmt: skip
    cells = [
        [pairs.place(d.lam), f"{label(pairs.first)} − {label(pairs.second)}", _natural_label(d), _estimated(d), d.verdict.estimate,
         d.verdict.margin, d.verdict.words, p_value(d.verdict.p)]
        for pairs, d in found
    ]  # fmt: skip
    return header, cells


def difference_cells(pairs: Pairs, found: list[Difference]) -> Cells:
    """Header and cells of the differences of metrics: what the verdict is on, and the mean of COMPLETED pairs."""
    header = ["λ", "metric", "pairs", "a side DIVERGED", "estimate", "difference or ratio [simultaneous]", "verdict",
              "mean, both COMPLETED [95 %]", f"{label(pairs.first)} better in"]  # fmt: skip
    cells = [
        [
            pairs.place(d.lam), _natural_label(d), str(d.pairs), str(d.diverged), _estimated(d), d.verdict.estimate,
            "–" if d.verdict.smallest is None else d.verdict.words, bounded(natural(d.measure, d.mean)),
            "–" if not d.pairs else f"{100 * d.better_share:.1f} %",
        ]
        for d in found
    ]  # fmt: skip
    return header, cells


def worst_rank_cells(pairs: Pairs, found: list[Difference]) -> Cells:
    """Header and cells of counts in which no divergence is left out."""
    header = ["λ", "metric", f"{label(pairs.first)} better", "equal", f"{label(pairs.second)} better",
              f"{label(pairs.first)} better in"]  # fmt: skip
    cells = []
    for d in found:
        w = d.worst_rank
        total = w.wins + w.ties + w.losses
        share = f"{100 * w.wins / total:.1f} %" if total else "–"
        cells.append([pairs.place(d.lam), d.measure.label, str(w.wins), str(w.ties), str(w.losses), share])
    return header, cells


def divergence_cells(pairs: Pairs, found: list[Divergence]) -> Cells:
    """Header and cells of divergence over all pairs, with its test over units."""
    header = ["λ", "pairs", "neither DIVERGED", f"only {label(pairs.first)}", f"only {label(pairs.second)}", "both",
              "sign test p", "not yet a pair"]  # fmt: skip
    cells = []
    for d in found:
        counts = [d.neither, d.first_only, d.second_only, d.both]
        cells.append(
            [
                pairs.place(d.lam),
                str(sum(counts)),
                *map(str, counts),
                p_value(d.p),
                str(pairs.unmatched[d.lam]),
            ]
        )
    return header, cells


def finding(pairs: Pairs, differences: list[Difference], divergence: Divergence) -> str:
    """What the pairs say at one λ, in one sentence: the verdicts of the tables, and how many DIVERGED.

    Args:
        differences: those at that λ that are judged, in reading order.
        divergence: of both sides at that λ.
    """
    first, second = label(pairs.first), label(pairs.second)
    at = "Whatever λ" if pairs.level else f"At λ = {pairs.place(divergence.lam)}"
    total = divergence.neither + divergence.first_only + divergence.second_only + divergence.both
    if not total:
        return f"{at}: no pair of results of {first} and {second}."
    verdicts = [
        f"{d.measure.name} {d.verdict.words} ({d.verdict.location.statistic} {'ratio' if d.measure.log else 'difference'} "
        f"{d.verdict.estimate}, better in {d.worst_rank.wins} of {_units(d)})"
        for d in differences
        if d.verdict.location.units
    ]
    said = "; ".join(verdicts) or "no pair with a value of both in a metric that both have"
    rates = [100 * (one + divergence.both) / total for one in (divergence.first_only, divergence.second_only)]
    return f"{at}, {first} against {second}: {said}. Of {counted(total, 'pair')} {rates[0]:.1f} % against {rates[1]:.1f} % DIVERGED."


def _natural_label(found: Difference) -> str:
    """The metric's name beside its difference, which is printed as a ratio where the metric is logarithmic."""
    return f"{found.measure.name}, ratio" if found.measure.log else found.measure.label


def _estimated(found: Difference) -> str:
    """What the verdict's interval is of: the statistic, and of how many units."""
    return f"{found.verdict.location.statistic}, {_units(found)}"


def _units(found: Difference) -> str:
    return counted(found.verdict.location.units, found.unit[:-1])
