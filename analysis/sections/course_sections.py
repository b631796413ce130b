"""The report's parts on what was not trained in full: a search's course and importance, and successive halving."""

from __future__ import annotations

from analysis.document import page
from analysis.document.files import render
from analysis.document.page import Section
from analysis.document.style import colours
from analysis.importance.fanova import importances
from analysis.importance.search_history import course, rungs, spent, stopped_count, would_have_spent
from analysis.rows import Rows
from analysis.sections.course_figures import course_figure, importance_figure, rung_figure
from analysis.sections.figure_sections import Part
from analysis.words import label, number
from result_schema import exact

_COURSE = (
    "Every COMPLETED run (point) and the best so far (line), in the order in which the runs were stored; within a generation that "
    "order means nothing. A STOPPED or DIVERGED run counts as a run and with its device-seconds."
)
_FANOVA = (
    "fANOVA (Hutter et al. 2014) of the COMPLETED runs: the share of the variance that a hyper-parameter explains by itself, by a "
    "random forest; what interactions and noise explain is in no bar. A sampler looks where it is good: the shares are of where it looked."
)
_NO_FACTORIAL = "No analysis of variance and no expected best of k runs: what a sampler chose is no factorial, and no random draw."
_HALVING = (
    "Successive halving: at each rung (dashed) the best go on, the others are STOPPED and keep their curve up to there (grey). What is "
    "COMPLETED was chosen for being good: no share, median or difference in this report is of the space."
)


def search_section(study: Rows, shown: list[float]) -> Part | None:
    """What a search found when, and what mattered; None for a grid."""
    if not study.manifest.searched:
        return None
    groups = {(a, lam): study.group(a, lam) for a in study.algorithms for lam in shown}
    groups = {place: runs for place, runs in groups.items() if len(runs)}
    colour = colours(study.algorithms)
    courses = {m: {place: course(runs, m) for place, runs in groups.items()} for m in study.headline}
    drawings = [render("course", course_figure(courses, colour))]
    body = page.figure(drawings[0], _COURSE)
    names = list(study.manifest.hyper_parameters)
    shares = {
        m.compared: {place: importances(runs, names, m.compared) for place, runs in groups.items()}
        for m in study.headline
    }
    kept = [name for name in names if any(name in found for own in shares.values() for found in own.values())]
    if kept:
        drawings.append(render("importance", importance_figure(shares, kept, colour)))
        body += page.figure(drawings[1], _FANOVA)
    else:
        body += page.paragraph(
            "No importance of hyper-parameters: the runs are too few, or do not differ.", "small"
        )
    return Section("The search", body + page.paragraph(_NO_FACTORIAL, "small")), drawings


def halving_section(study: Rows, shown: list[float]) -> Part | None:
    """Who was stopped where, and what it saved; None where nobody was."""
    if not stopped_count(study.runs):
        return None
    if study.curves.empty:
        text = "Not shown: no learning curves are stored for these runs."
        return Section("Successive halving", page.paragraph(text, "small")), []
    body, drawings, cells = page.paragraph(_HALVING, "small"), [], []
    for lam in shown:
        algorithms = [name for name in study.algorithms if stopped_count(study.group(name, lam))]
        if not algorithms:
            continue
        curves = {m: {name: rungs(study, name, lam, m) for name in algorithms} for m in study.headline}
        drawing = render(f"halving_lambda_{exact(lam)}", rung_figure(curves, colours(study.algorithms)))
        drawings.append(drawing)
        body += page.figure(drawing, f"Learning curves of halved runs at λ = {exact(lam)}.")
        for name in algorithms:
            runs, at = study.group(name, lam), curves[study.headline[0]][name].counts
            words = ", ".join(f"{count} at {rung}" for rung, count in at.items())
            seconds, whole = spent(runs), would_have_spent(runs)
            cells.append(
                [
                    exact(lam),
                    label(name),
                    words,
                    str(len(runs) - sum(at.values())),
                    number(seconds),
                    f"{seconds / whole:.0%}",
                ]
            )
    header = ["λ", "system", "STOPPED", "to the end", "device-seconds", "of what all would take"]
    return Section("Successive halving", body + page.table(header, cells, 3)), drawings
