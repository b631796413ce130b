"""The report's part on systems with densities."""

from __future__ import annotations

from analysis.comparison.families import judged_measures
from analysis.comparison.paired import compare, differences, match, published_pairs
from analysis.comparison.verdicts import Family
from analysis.document import page
from analysis.document.page import Section
from analysis.rows import Rows
from analysis.sections.figure_sections import Part
from analysis.statistics.means import NATS, density, open_ended
from analysis.statistics.published import published_value
from analysis.words import bounded, label, number
from result_schema import exact

_TREATMENT = (
    "Likelihoods are in nats, over COMPLETED runs; means with Student’s intervals, 95 % by themselves, whose unit is the configuration, or the seed where there is one "
    "configuration. Paired differences have the simultaneous intervals of section Verdicts, and a verdict where the measure has a smallest difference of interest. The log-likelihood is per test point. A system’s ELBO is its own estimate, which an adversarial one "
    "can put too high."
)


def likelihood_section(study: Rows, family: Family) -> Part | None:
    """Bound, log-likelihood, reconstruction, KL of codes; paired differences, of accuracy too; None where no run has any."""
    cells, pairs = cells_of(study), paired_cells(study, family)
    if not cells[1] and not pairs[1]:
        return None
    body = page.paragraph(_TREATMENT, "small")
    if cells[1]:
        body += page.table(*cells)
    if pairs[1]:
        body += "<h3>Paired</h3>" + page.table(*pairs, 3)
    title = "Likelihoods and accuracy" if any(m.unit == NATS for m in study.measures) else "Means over runs"
    return Section(title, body), []


def cells_of(study: Rows) -> tuple[list[str], list[list[str]]]:
    """Header and one line per λ, system and measure."""
    header = ["λ", "system", "measure", "runs", "mean [95 %]", "std", "least – greatest", "published"]
    cells = []
    for lam in study.lambdas:
        for algorithm in study.algorithms:
            for measure in open_ended(study):
                found = density(study, algorithm, lam, measure)
                if found is not None:
                    known = published_value(study, algorithm, lam, measure.column)
                    cells.append([exact(lam), label(algorithm), measure.label, str(found.runs), bounded(found.mean, 4), number(found.std),
                                  f"{number(found.low, 4)} – {number(found.high, 4)}",
                                  known.statement if known else "–"])  # fmt: skip
    return header, cells


def paired_cells(study: Rows, family: Family) -> tuple[list[str], list[list[str]]]:
    """Header and one line per published pair of systems, λ and likelihood or judged share that both have, then headline scores; of headline metrics alone nothing."""
    header = [
        "λ",
        "systems",
        "measure",
        "pairs",
        "estimate",
        "difference [simultaneous]",
        "verdict",
        "first one better in",
    ]
    cells = []
    shares = [m for m in judged_measures(study) if not m.log and m.worst is not None]
    candidates = dict.fromkeys((*open_ended(study), *(m for m in shares if m not in study.headline)))
    for first, second in published_pairs(study):
        pairs = match(study, first, second)
        shown = [m for m in candidates if len(pairs.table) and not differences(pairs.table, m).empty]
        for lam in pairs.lambdas if shown else []:
            for measure in (*shown, *(m for m in shares if m in study.headline)):
                found = compare(pairs, lam, measure, family)
                verdict = found.verdict
                cells.append([exact(lam), f"{label(first)} − {label(second)}", measure.label, str(found.pairs),
                              f"{verdict.location.statistic}, {verdict.location.units} {found.unit}", bounded(verdict.location.interval, 4),
                              "–" if verdict.smallest is None else verdict.words,
                              f"{round(found.better_share * found.pairs)} of {found.pairs}" if found.pairs else "–"])  # fmt: skip
    return header, cells
