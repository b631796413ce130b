"""What moves the metrics, and what goes with divergence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import final

import matplotlib.figure
import pandas as pd

from analysis.document.blocks import SMALL, Block, Details, Figure, Heading, Table, Text
from analysis.document.style import GRID, INK, MUTED, panel_title, settings, tick_words
from analysis.importance.effects import Effect, causes, effects, factors, obstacle
from analysis.importance.shares import GROUPS
from analysis.sections.base import Report, Section
from analysis.vocabulary import Measure
from analysis.words import number, p_value, percent, shortened

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

_SHADES = {0: GRID, 1: INK, 2: MUTED}
"""Of the residual, of main effects and of interactions, by the number of factors."""

_LINE = "#D55E00"
"""Of intervals, on any shade."""

_LARGEST = 12
"""Terms drawn of each metric."""


@final
class Effects(Section):
    """Over all λ and at those shown, or why that cannot be told; nothing where a sampler chose the configurations."""

    name, order, title = "effects", 180, "What matters"

    def blocks(self, report: Report) -> Iterator[Block]:
        study = report.study
        if study.manifest.searched:
            return
        names = factors(study.runs, list(study.manifest.hyper_parameters))
        tried = {measure: effects(study.runs, names, measure) for measure in study.headline}
        if found := {measure: terms for measure, terms in tried.items() if terms}:
            yield Figure("effects", effect_figure(found), _ANOVA)
        tables: list[Block] = []
        words = shortened(report.shown)
        for measure, terms in tried.items():
            places = {"all λ": (study.runs, terms)}
            for lam in report.shown if len(study.lambdas) > 1 else []:
                here = study.runs[study.runs["lam"] == lam]
                places[f"λ = {words[lam]}"] = here, effects(here, names, measure)
            yield from _obstacles(measure, names, places)
            tables += _shares(measure, {place: own for place, (_, own) in places.items() if own})
        if tables:
            yield Heading("Shares of variance")
            yield Text(_SHARES.format(shown=100 * _SHOWN, groups=GROUPS), SMALL)
            yield from tables
        yield Heading("What goes with divergence")
        if diverging := causes(study.runs, names):
            header = ["factor", "diverged most at", "DIVERGED there", "deviance", "Holm p"]
            cells = [
                [term_label([c.factor]), c.worst, f"{c.diverged} of {c.results}", number(c.deviance), p_value(c.p)]
                for c in diverging
            ]  # fmt: skip
            yield Text(_CAUSES, SMALL)
            yield Table(header, cells)
        else:
            yield Text("No run DIVERGED, or every one did: there is nothing to explain.", SMALL)


def _obstacles(
    measure: Measure, names: Sequence[str], places: Mapping[str, tuple[pd.DataFrame, list[Effect]]]
) -> Iterator[Block]:
    """Why nothing moves a metric where no effect is found, a paragraph per reason."""
    missing: dict[str, list[str]] = {}
    for place, (runs, own) in places.items():
        if not own:
            missing.setdefault(obstacle(runs, names, measure), []).append(place)
    for why, where in missing.items():
        at = f" at {', '.join(where)}" * (len(where) < len(places))
        yield Text(f"What moves {measure.label}{at} is not shown: {why}.", SMALL)


def _shares(measure: Measure, places: dict[str, list[Effect]]) -> Iterator[Block]:
    """A table of the terms with a share of note in one of the places, and below it all terms of each; nothing of no place."""
    if not places:
        return
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
    yield Table([measure.label, *places], cells, 1)
    for place, found in places.items():
        title = f"All terms: {measure.label}" + f" at {place}" * (place != "all λ")
        cells = [[term_label(effect.term), _share(effect), p_value(effect.p)] for effect in found]
        yield Details(title, [Table(["term", "share of variance [95 %]", "Holm p"], cells, 1)])


def _share(effect: Effect) -> str:
    share = percent(effect.interval)
    return share.partition(" [")[0] if math.isnan(effect.interval.low) else share


def effect_figure(found: Mapping[Measure, Sequence[Effect]]) -> matplotlib.figure.Figure:
    """A panel per metric: shares of the largest terms as bars, interactions and the residual lighter, main effects with p > 0.05 hollow; intervals as lines."""
    with settings():
        figure = matplotlib.figure.Figure(figsize=(10.5, 3.6), layout="constrained")
        panels = figure.subplots(1, len(found), squeeze=False)[0]
        for panel, (measure, effects) in zip(panels, found.items(), strict=True):
            shown = list(effects[:_LARGEST])[::-1]
            for place, effect in enumerate(shown):
                shade = _SHADES[len(effect.term)]
                panel.barh(
                    place, 100 * effect.share, color="none" if effect.p > 0.05 else shade, edgecolor=shade
                )
                ends = [100 * effect.interval.low, 100 * effect.interval.high]  # NaN is not drawn
                panel.plot(ends, [place, place], color=_LINE, linewidth=1.2, solid_capstyle="butt")
            panel.set_yticks(range(len(shown)), tick_words([term_label(effect.term) for effect in shown]))
            panel.set_xlabel("share of the variance of ranks (%)")
            panel_title(panel, measure.label)
        return figure


def term_label(term: Sequence[str]) -> str:
    """A term in words: its factors, λ as λ, joined by ×; of none, the residual."""
    if not term:
        return "residual"
    return " × ".join("λ" if name == "lam" else name for name in term)
