"""The report's part on systems with densities."""

from __future__ import annotations

from analysis import page
from analysis.figure_sections import Part
from analysis.likelihoods import MEASURES, density, paired
from analysis.page import Section
from analysis.published import published_value
from analysis.rows import Rows
from analysis.style import bounded, label, number

_TREATMENT = (
    "In nats, over COMPLETED runs; means with BCa intervals whose unit is the configuration, or the seed where there is one "
    "configuration. The log-likelihood is per test point. A system’s ELBO is its own estimate, which an adversarial one "
    "can put too high."
)


def likelihood_section(study: Rows) -> Part | None:
    """Bound, log-likelihood, reconstruction and KL of codes, and the paired differences; None where no run has any."""
    cells, differences = cells_of(study), paired_cells(study)
    if not cells[1]:
        return None
    body = page.paragraph(_TREATMENT, "small") + page.table(*cells)
    if differences[1]:
        body += "<h3>Paired</h3>" + page.table(*differences, 3)
    return Section("Likelihoods", body), []


def cells_of(study: Rows) -> tuple[list[str], list[list[str]]]:
    """Header and one line per λ, system and measure."""
    header = ["λ", "system", "measure", "runs", "mean [95 %]", "std", "least – greatest", "published"]
    cells = []
    for lam in study.lambdas:
        for algorithm in study.algorithms:
            for measure in MEASURES:
                found = density(study, algorithm, lam, measure)
                if found is not None:
                    known = published_value(study.manifest.study, algorithm, lam, measure.column)
                    cells.append([f"{lam:g}", label(algorithm), measure.label, str(found.runs), bounded(found.mean, 4), number(found.std),
                                  f"{number(found.low, 4)} – {number(found.high, 4)}",
                                  known.statement if known else "–"])  # fmt: skip
    return header, cells


def paired_cells(study: Rows) -> tuple[list[str], list[list[str]]]:
    """Header and one line per λ and measure for each pair of systems next to each other in reading order."""
    header = ["λ", "systems", "measure", "pairs", "mean difference [95 %]", "first one better in"]
    cells = []
    for lam in study.lambdas:
        for i, first in enumerate(study.algorithms):
            for second in study.algorithms[i + 1 :]:
                for measure in MEASURES:
                    found = paired(study, first, second, lam, measure)
                    if found is not None:
                        cells.append([f"{lam:g}", f"{label(first)} − {label(second)}", measure.label, str(found.pairs),
                                      bounded(found.mean, 4), f"{found.better} of {found.pairs}"])  # fmt: skip
    return header, cells
