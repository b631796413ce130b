"""The report's parts that are figures: each computes its data, has it drawn, and says what is to be seen."""

from __future__ import annotations

from analysis.comparison.families import Comparison
from analysis.document import page
from analysis.document.files import render
from analysis.document.page import Drawing, Section
from analysis.document.style import colours
from analysis.rows import Rows, load_points
from analysis.sections.distribution_figures import difference_figure, histogram_figure, paired_scatter_figure
from analysis.sections.exemplars import exemplars
from analysis.sections.paired_tables import difference_cells, divergence_cells, worst_rank_cells
from analysis.sections.sample_figures import gallery_figure, sample_figure
from analysis.sections.trend_figures import learning_figure
from analysis.statistics.histograms import histograms
from analysis.statistics.learning_curves import learning_curve
from analysis.words import capital, label, listed
from result_schema import exact

Part = tuple[Section, list[Drawing]]

_FEW = 4
"""Systems of which three runs are drawn each; of more it is one."""

_TREATMENT = (
    "One pair is one configuration, λ and seed under both systems; differences are {first} − {second}{logarithms}. "
    "Seeds of a configuration are averaged first: the unit is the configuration, or the seed where there is one "
    "configuration. Differences and verdicts are those of section Verdicts, with the same simultaneous intervals; metrics "
    "without a smallest difference of interest have no verdict. The mean is of pairs in which both sides COMPLETED, with "
    "Student’s interval, 95 % by itself: a description, from which no verdict is taken."
)
_WORST_RANK = (
    "What the verdicts count: a DIVERGED side is worse than any value, and two DIVERGED sides are equal; so is an infinite "
    "value. Counts are {unit}."
)
_DIVERGENCE = (
    "Divergence over all pairs. The exact sign test asks whether the units in which one side DIVERGED more often fall evenly; "
    "seeds of a configuration count once, with one seed each it is McNemar’s test. Its p stands by itself, outside the family "
    "of verdicts, in which a divergence counts as worst."
)


def histogram_section(study: Rows, shown: list[float]) -> Part | None:
    """Histograms of the headline metrics, as in figure 3 of the paper."""
    data = [histograms(study, measure) for measure in study.headline]
    drawing = render("histograms", histogram_figure(data, shown, colours(study.algorithms)))
    names = listed([f"{one.measure.label}{' (log axis)' * one.measure.ratio}" for one in data])
    caption = (
        f"{capital(names)} over configurations. Bin edges are the same for every system and λ. "
        "Shares are of COMPLETED and DIVERGED runs together; the DIVERGED ones have the bin apart, in per cent."
    )
    return Section("Histograms", page.figure(drawing, caption)), [drawing]


def paired_section(study: Rows, comparison: Comparison | None, shown: list[float]) -> Part | None:
    """The paired difference of two systems, or why there is none."""
    if comparison is None:
        why = (
            f"the rows have only {label(study.algorithms[0])}"
            if len(study.algorithms) == 1
            else "no paper compares two of these; section Ranking has every pair"
        )
        text = f"No paired difference: it compares two systems on the same configurations, and {why}."
        return Section("Paired difference", page.paragraph(text)), []
    pairs, colour = comparison.pairs, colours(study.algorithms)
    first, second = label(pairs.first), label(pairs.second)
    lambdas = [lam for lam in shown if lam in pairs.lambdas]
    scatter = render(
        "paired", paired_scatter_figure(pairs, [m.compared for m in study.headline], lambdas, colour)
    )
    found = [d for d in comparison.differences if d.measure == d.measure.compared and d.lam in lambdas]
    spread = render("differences", difference_figure(pairs, found, lambdas, colour))
    ratios = [m.label for m in study.headline if m.ratio]
    logarithms = f", those of {listed(ratios)} of {'its' if len(ratios) == 1 else 'their'} logarithm" * bool(
        ratios
    )
    body = page.paragraph(_TREATMENT.format(first=first, second=second, logarithms=logarithms), "small")
    body += page.table(*difference_cells(pairs, comparison.differences))
    body += "<h3>With every divergence ranked worst</h3>" + page.paragraph(
        _WORST_RANK.format(unit=comparison.differences[0].unit), "small"
    )
    body += page.table(*worst_rank_cells(pairs, comparison.differences))
    body += "<h3>Divergence</h3>" + page.paragraph(_DIVERGENCE, "small")
    body += page.table(*divergence_cells(pairs, comparison.divergences), text_columns=1)
    body += page.figure(scatter, f"Each point is one pair: {second} across, {first} up. Ticks outside the frame are pairs "
                        f"of which one side DIVERGED, at the value of the other: above, {first} DIVERGED; at the right, "
                        f"{second} did.")  # fmt: skip
    body += page.figure(spread, f"{first} − {second} pair by pair, in the colour of the system it favours. Line and band: "
                        "the difference that the verdict is on and its simultaneous interval.")  # fmt: skip
    return Section(f"Paired difference: {first} − {second}", body), [scatter, spread]


def sample_section(study: Rows, shown: list[float]) -> Part | None:
    """Generated points of the best, median and worst run per system and λ; None of a Bayesian model, which has a posterior."""
    if study.manifest.coordinates:
        return None
    if not study.leading:
        return None
    measure = study.leading[0]
    chosen = {lam: {a: exemplars(study, a, lam, measure) for a in study.algorithms} for lam in shown}
    keys = [e.run["run_key"] for at in chosen.values() for found in at.values() for e in found]
    points = load_points(study.where, sorted(set(keys)), study.manifest.shape)
    words = f"Best, median and worst COMPLETED run by {measure.label}."
    if study.modes is not None:
        words += (
            " Circles: three standard deviations around the true means; a point inside one is on its mode."
        )
    elif len(study.manifest.shape) == 1 and study.manifest.shape[0] > 2:
        words += f" Drawn are the first two of {study.manifest.shape[0]} coordinates."
    drawings = []
    if len(study.algorithms) > _FEW:
        words = words.replace("Best, median and worst", "The median")
    body = page.paragraph(words, "small")
    draw = sample_figure if len(study.algorithms) <= _FEW else gallery_figure
    for lam, at in chosen.items():
        drawing = render(
            f"samples_lambda_{exact(lam)}",
            draw(at, points, study.leading, colours(study.algorithms), study.modes),
        )
        drawings.append(drawing)
        body += page.figure(drawing, f"Generated points at λ = {exact(lam)}.")
    return Section("Generated points", body), drawings


def learning_section(study: Rows, shown: list[float]) -> Part:
    """Median and quartiles against iteration."""
    if study.curves.empty:
        return Section("Learning curves", page.paragraph("No learning curves are stored for these runs.")), []
    measures = study.headline
    keys = [(m, a, lam) for m in measures for a in study.algorithms for lam in shown]
    curves = {(m.column, a, lam): learning_curve(study, a, lam, m) for m, a, lam in keys}
    drawing = render("learning", learning_figure(curves, measures, shown, colours(study.algorithms)))
    caption = (
        "Median (line) and quartiles (band) over runs. A DIVERGED run counts as worst from the iteration at which it "
        "DIVERGED; where the median itself is such a run, the line ends."
    )
    return Section("Learning curves", page.figure(drawing, caption)), [drawing]
