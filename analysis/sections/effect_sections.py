"""The report's parts on importance: what moves a metric, what goes with divergence, what a search budget buys."""

from __future__ import annotations

import math

from analysis import rows
from analysis.document import page
from analysis.document.files import render
from analysis.document.page import Drawing, Section
from analysis.document.style import colours
from analysis.importance.best_of_k import BAND, BudgetCurve, budget_curve
from analysis.importance.effects import Effect, causes, effects, factors, obstacle
from analysis.importance.shares import GROUPS
from analysis.rows import Rows
from analysis.sections.effect_figures import budget_figure, effect_figure, term_label
from analysis.sections.figure_sections import Part
from analysis.vocabulary import Measure
from analysis.words import label, listed, number, p_value, percent
from result_schema import exact

_ANOVA = (
    "Analysis of variance of ranks (Conover & Iman 1981) over all runs: every main effect and two-way interaction, sums of "
    "squares of type II. A DIVERGED run has the worst rank. Bars: share of the total sum of squares (η²), which describes these runs; "
    "dark: main effects, hollow where p > 0.05 after Holm’s correction over them; grey: interactions, which have "
    "no p, as ranks make one where effects add up on the metric’s own scale; lightest: the residual, which is noise and what only three factors "
    "or more explain; lines: the intervals of the table below. Units of the tests are configurations: a hyper-parameter "
    "is tested against what they differ by beyond all main effects, λ and the algorithm against how much their effect differs between "
    "configurations. An interaction with the algorithm is a hyper-parameter to which the systems respond differently."
)
_SHARES = (
    "Of all runs, and at each λ, whose runs are ranked among themselves: over all λ its own share hides the others. Terms of {shown:g} % and "
    "more somewhere. A share is too large by what noise adds to it, the residual too small; intervals are of what is left without that: "
    "95 %, each by itself, by the jackknife over {groups} groups of configurations, from so many configurations up; they err on the long side."
)
_SHOWN = 0.01
"""Share from which a term is in the table."""

_CAUSES = (
    "A logistic model of divergence on all factors; the deviance it loses without one of them is that factor’s part. p: of its "
    "main effect on the share DIVERGED, over configurations as above, with Holm’s correction over factors."
)
_BUDGET = (
    "Expected best of k runs drawn at random from those trained (Lucic et al. 2018; Dodge et al. 2019), and the {low:.0%} and "
    "{high:.0%} quantiles of that best. Device-seconds: k times the mean training time of a run. A DIVERGED run counts as "
    "the worst value of any system at its λ, and with its time."
)
_STEPS = (1, 4, 16, 64, 256)
"""Budgets in the table."""


def effect_section(study: Rows, shown: list[float]) -> Part:
    """What moves the metrics, over all λ and at those shown, and what goes with divergence, or why that cannot be told."""
    names = factors(study.runs, list(study.manifest.hyper_parameters))
    tried = {measure: effects(study.runs, names, measure) for measure in study.headline}
    found = {measure: terms for measure, terms in tried.items() if terms}
    drawings = [render("effects", effect_figure(found))] if found else []
    body = "".join(page.figure(drawing, _ANOVA) for drawing in drawings)
    tables = ""
    for measure, terms in tried.items():
        places = {"all λ": (study.runs, terms)}
        for lam in shown if len(study.lambdas) > 1 else []:
            here = study.runs[study.runs["lam"] == lam]
            places[f"λ = {exact(lam)}"] = here, effects(here, names, measure)
        missing: dict[str, list[str]] = {}
        for place, (runs, own) in places.items():
            if not own:
                missing.setdefault(obstacle(runs, names, measure), []).append(place)
        for why, where in missing.items():
            at = f" at {', '.join(where)}" * (len(where) < len(places))
            body += page.paragraph(f"What moves {measure.label}{at} is not shown: {why}.", "small")
        tables += _shares(measure, {place: own for place, (_, own) in places.items() if own})
    if tables:
        words = _SHARES.format(shown=100 * _SHOWN, groups=GROUPS)
        body += "<h3>Shares of variance</h3>" + page.paragraph(words, "small") + tables
    body += "<h3>What goes with divergence</h3>"
    diverging = causes(study.runs, names)
    if diverging:
        header = ["factor", "diverged most at", "DIVERGED there", "deviance", "Holm p"]
        cells = [
            [term_label([c.factor]), c.worst, f"{c.diverged} of {c.results}", number(c.deviance), p_value(c.p)]
            for c in diverging
        ]  # fmt: skip
        body += page.paragraph(_CAUSES, "small") + page.table(header, cells)
    else:
        body += page.paragraph("No run DIVERGED, or every one did: there is nothing to explain.", "small")
    return Section("What matters", body), drawings


def _shares(measure: Measure, places: dict[str, list[Effect]]) -> str:
    """A table of the terms with a share of note in one of the places, and below it all terms of each; nothing of no place."""
    if not places:
        return ""
    own = {place: {effect.term: effect for effect in found} for place, found in places.items()}
    largest = {
        term: max(found[term].share for found in own.values() if term in found)
        for found in own.values()
        for term in found
    }
    noted = sorted((t for t, share in largest.items() if share >= _SHOWN), key=lambda t: -largest[t])
    cells = [
        [term_label(term), *(_share(found[term]) if term in found else "–" for found in own.values())]
        for term in noted
    ]
    body = page.table([measure.label, *places], cells, 1)
    for place, found in places.items():
        title = f"All terms: {measure.label}" + f" at {place}" * (place != "all λ")
        cells = [[term_label(effect.term), _share(effect), p_value(effect.p)] for effect in found]
        body += page.details(title, page.table(["term", "share of variance [95 %]", "Holm p"], cells, 1))
    return body


def _share(effect: Effect) -> str:
    share = percent(effect.interval)
    return share.partition(" [")[0] if math.isnan(effect.interval.low) else share


def budget_section(study: Rows, shown: list[float], most: int) -> Part:
    """The best of k runs against k, or why there is none; drawn of at most so many systems."""
    body = page.paragraph(_BUDGET.format(low=BAND[0], high=BAND[1]), "small")
    drawings: list[Drawing] = []
    cells = []
    for lam in shown:
        curves = {measure: _curves(study, lam, measure) for measure in study.headline}
        curves = {measure: own for measure, own in curves.items() if own}
        names = [m.label for m in study.headline]
        if not curves:
            body += page.paragraph(
                f"Nothing at λ = {exact(lam)}: no run has a finite {listed(names, 'or')}.", "small"
            )
        elif len(study.algorithms) <= most:
            drawing = render(f"budget_lambda_{exact(lam)}", budget_figure(curves, colours(study.algorithms)))
            drawings.append(drawing)
            body += page.figure(drawing, f"Best of k runs at λ = {exact(lam)}.")
        for measure, own in curves.items():
            for algorithm, curve in own.items():
                values = [number(curve.expected[k - 1]) if k <= len(curve.runs) else "–" for k in _STEPS]
                cells.append([exact(lam), label(algorithm), measure.label, *values, number(curve.seconds[0])])
            for algorithm in sorted(study.having(measure.column) - set(own)):
                results = rows.results(study.group(algorithm, lam))
                if len(results):
                    values = ["DIVERGED" if k <= len(results) else "–" for k in _STEPS]
                    seconds = number(results["train_seconds"].mean())
                    cells.append([exact(lam), label(algorithm), measure.label, *values, seconds])
    header = ["λ", "system", "expected best", *(f"k = {k}" for k in _STEPS), "device-seconds a run"]
    return Section("What a search buys", body + page.table(header, cells, 3)), drawings


def _curves(study: Rows, lam: float, measure: Measure) -> dict[str, BudgetCurve]:
    found = {name: budget_curve(study, name, lam, measure) for name in study.algorithms}
    return {name: curve for name, curve in found.items() if curve is not None}
