"""The report's part on posteriors of a Bayesian model whose truth is known."""

from __future__ import annotations

from analysis.document import page
from analysis.document.files import render
from analysis.document.page import Section
from analysis.document.style import INK, colours
from analysis.rows import Rows, load_points
from analysis.sections.exemplars import exemplars
from analysis.sections.figure_sections import Part
from analysis.sections.posterior_figures import posterior_figure
from analysis.words import counted, label, number
from result_schema import REFERENCE, exact

_WORDS = (
    "Marginals of each system’s median run by {measure}, beside the truth: draws, and contours within which 90, 70, "
    "50, 30 and 10 % of them lie."
)


def posterior_section(study: Rows) -> Part | None:
    """Marginals of draws; None where the rows are not of a Bayesian model."""
    names = study.manifest.coordinates
    if not names or not study.leading:
        return None
    measure = study.leading[0]
    colour, drawings = colours(study.algorithms), []
    body = page.paragraph(_WORDS.format(measure=measure.label), "small")
    for lam in study.lambdas:
        ranked = {a: exemplars(study, a, lam, measure) for a in study.algorithms}
        median = {a: e.run for a, found in ranked.items() for e in found if e.rank == "median"}
        keys = [REFERENCE, *(run["run_key"] for run in median.values())]
        points = load_points(study.where, keys, study.manifest.shape)
        if REFERENCE not in points:
            body += page.paragraph(
                f"Not drawn at λ = {exact(lam)}: no draws of the true posterior are stored.", "small"
            )
            continue
        columns = [(f"truth ({counted(len(points[REFERENCE]), 'draw')})", INK, points[REFERENCE])]
        columns += [
            (f"{label(a)}, seed {run['seed']}\n{measure.label} {number(run[measure.column])}", colour[a], points[run["run_key"]])
            for a, run in median.items()
            if run["run_key"] in points
        ]  # fmt: skip
        drawing = render(f"posterior_lambda_{exact(lam)}", posterior_figure(columns, names))
        drawings.append(drawing)
        body += page.figure(drawing, f"{names[0]}, {names[1]} and {names[2]} of the posterior.")
    return Section("Posterior", body), drawings
