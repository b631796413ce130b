"""Contents of a report: sections, figures and tables, from a study's rows."""

from __future__ import annotations

import pandas as pd

from analysis.comparison import contests, seed_results
from analysis.comparison.contests import Standings
from analysis.comparison.families import Comparison, compare_study, family_of
from analysis.comparison.trade_off import Claim
from analysis.comparison.verdicts import Family
from analysis.document import page
from analysis.fragility import results
from analysis.fragility.results import Results
from analysis.rows import Rows
from analysis.sections import (
    course_sections,
    effect_sections,
    figure_sections,
    fragility_sections,
    lambda_sections,
    likelihood_sections,
    posterior_section,
    ranking_sections,
    sample_size_sections,
    scale_free_sections,
    seed_sections,
    systems_section,
    table_sections,
    tuning_sections,
    verdict_section,
)
from analysis.sections.exemplars import spread
from analysis.sections.paired_tables import Table, difference_cells, divergence_cells, worst_rank_cells
from analysis.statistics import summary
from analysis.words import naming

_MOST_SYSTEMS = 6
"""Figures in which systems lie on each other are drawn of at most so many."""

_MOST_LAMBDAS = 5
"""Figures with a panel per λ show at most so many, evenly chosen; every table but the marginal one has all."""


def build(study: Rows) -> dict[str, bytes]:
    """A report's files, name -> content; `report.html` last, so that it never points ahead of its figures."""
    with naming(study.manifest.labels):
        return _build(study)


def _build(study: Rows) -> dict[str, bytes]:
    table = summary.summarise(study)
    family = family_of(study)
    comparison = compare_study(study, family)
    claim = lambda_sections.claim_of(study, comparison, family)
    shown = spread(study.lambdas, _MOST_LAMBDAS)
    few = len(study.algorithms) <= _MOST_SYSTEMS
    standings = contests.compute(study)
    fragile = results.compute(study)
    decomposed = seed_results.decompose(study)
    scale_free = [] if study.manifest.searched else scale_free_sections.cells_of(study)
    sizes = sample_size_sections.tables(study, family)
    further = [*sizes, *seed_sections.tables(study, decomposed), *scale_free]
    parts = [
        ranking_sections.ranking_section(study, standings, shown),
        fragility_sections.fragility_section(study, fragile, shown),
        verdict_section.verdict_section(study, family),
        sample_size_sections.sample_size_section(study, sizes),
        seed_sections.seed_section(study, decomposed, shown),
        scale_free_sections.scale_free_section(study, scale_free),
        (table_sections.summary_section(study, table), []),
        systems_section.systems_section(study),
        figure_sections.histogram_section(study, shown) if few else _crowded(study, "Histograms"),
        figure_sections.paired_section(study, comparison, shown),
        figure_sections.sample_section(study, shown),
        posterior_section.posterior_section(study),
        likelihood_sections.likelihood_section(study, family),
        lambda_sections.lambda_section(study, table, claim, family),
        course_sections.search_section(study, shown),
        course_sections.halving_section(study, shown),
        figure_sections.learning_section(study, shown) if few else _crowded(study, "Learning curves"),
        None if study.manifest.searched else effect_sections.effect_section(study, shown),
        None if study.manifest.searched else tuning_sections.tuning_section(study, shown),
        (table_sections.marginal_section(study, shown), []),
        None if study.manifest.searched else effect_sections.budget_section(study, shown, _MOST_SYSTEMS),
        (table_sections.provenance_section(study), []),
    ]
    kept = [part for part in parts if part is not None]
    files = {
        "summary.csv": table.to_csv(index=False).encode(),
        "summary.md": markdown(
            study, table, comparison, claim, shown, family=family, standings=standings, fragile=fragile,
            further=further,
        ),
    }  # fmt: skip
    if standings.family.size:
        files["pairs.csv"] = ranking_sections.pairs_csv(standings)
    for drawing in (drawing for _, drawings in kept for drawing in drawings):
        files |= {f"{drawing.name}.png": drawing.png, f"{drawing.name}.svg": drawing.svg}
    first = ranking_sections.sentences(standings, shown) + fragility_sections.headline(fragile)
    opening = "".join(page.paragraph(text, "finding") for text in first)
    opening += table_sections.opening(study, comparison, shown)
    if claim is not None:
        opening += page.paragraph(lambda_sections.verdict(study, claim), "finding")
    if len(shown) < len(study.lambdas):
        opening += page.paragraph(f"Figures and marginal tables with a part per λ show {len(shown)} of "
                                  f"{len(study.lambdas)} λ.", "note")  # fmt: skip
    sections = [section for section, _ in kept]
    html = page.page(study.manifest.study, study.manifest.question, opening, sections)
    return files | {"report.html": html.encode()}


def _crowded(study: Rows, title: str) -> figure_sections.Part:
    """In place of a figure in which systems would hide one another."""
    text = f"Not drawn: {len(study.algorithms)} systems would hide one another; the figure is of at most {_MOST_SYSTEMS}."
    return page.Section(title, page.paragraph(text, "small")), []


def markdown(study: Rows, table: pd.DataFrame, comparison: Comparison | None, claim: Claim | None,
             shown: list[float], *, family: Family, standings: Standings, fragile: Results,
             further: list[tuple[str, Table]]) -> bytes:  # fmt: skip
    """The summary as Markdown: what was run, the tables, the paired tables."""
    facts = ", ".join(f"{name}: {value}" for name, value in table_sections.facts(study).items())
    parts = [f"# {study.manifest.study}\n\n{study.manifest.question}\n\n{facts}\n"]
    said = (
        ranking_sections.sentences(standings, shown)
        + fragility_sections.sentences(fragile)
        + table_sections.findings(study, comparison, shown)
        + ([lambda_sections.verdict(study, claim)] if claim else [])
    )
    said += table_sections.notes(study, comparison)
    parts += [f"- {text}" for text in said] + [""] * bool(said)
    for title, cells in (
        *ranking_sections.all_cells(study, standings),
        *fragility_sections.all_cells(study, fragile, shown),
    ):
        parts += [f"## {title}\n", page.markdown_table(*cells)]
    judged = verdict_section.cells_of(study, family)
    if judged[1]:
        parts += ["## Verdicts\n", f"{verdict_section.scope(study, family)}\n", page.markdown_table(*judged)]
    for title, cells in further:
        parts += [f"## {title}\n", page.markdown_table(*cells)]
    parts += ["## Outcomes\n", page.markdown_table(*summary.outcome_cells(table))]
    for measure in filter(lambda m: m in study.headline, study.measures):
        parts += [f"## {measure.label}\n", page.markdown_table(*summary.metric_cells(table, measure))]
    if len(study.algorithms) > 2:
        parts += ["## All systems\n", page.markdown_table(*systems_section.cells_of(study))]
    densities, pairs_of_densities = (
        likelihood_sections.cells_of(study),
        likelihood_sections.paired_cells(study, family),
    )
    for title, cells in (
        ("Likelihoods", densities),
        ("Likelihoods and accuracy, paired", pairs_of_densities),
    ):
        if cells[1]:
            parts += [f"## {title}\n", page.markdown_table(*cells)]
    if claim is not None:
        for title, cells in (
            ("Trends with λ", lambda_sections.trend_cells(study, claim, family)),
            ("λ as good as the best", lambda_sections.range_cells(study)),
        ):
            parts += [f"## {title}\n", page.markdown_table(*cells)]
    if comparison is not None:
        pairs, found = comparison.pairs, comparison.differences
        for title, cells in (
            ("Paired difference", difference_cells(pairs, found)),
            ("Paired, every divergence ranked worst", worst_rank_cells(pairs, found)),
            ("Divergence, paired", divergence_cells(pairs, comparison.divergences)),
        ):
            parts += [f"## {title}\n", page.markdown_table(*cells)]
    return "\n".join(parts).encode()
