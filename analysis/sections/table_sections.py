"""The report's parts that are words and tables: its opening, the summary, the marginal table, where it came from."""

from __future__ import annotations

import json
import shlex
from collections import defaultdict
from collections.abc import Sequence
from html import escape

import pandas as pd

from analysis import rows, states, versions
from analysis.comparison.families import Comparison
from analysis.document import page
from analysis.document.page import Section
from analysis.document.style import drawable
from analysis.rows import Rows
from analysis.sections.paired_tables import finding
from analysis.statistics.marginals import marginals
from analysis.statistics.published import published_for, unlike
from analysis.statistics.summary import metric_cells, outcome_cells
from analysis.vocabulary import Measure
from analysis.words import counted, label, number
from result_schema import Outcome, exact

_COUNTING = (
    "How runs are counted: COMPLETED and DIVERGED runs are results and stand in every denominator. A DIVERGED run "
    "has no metrics, so medians, quartiles, means and standard deviations are over COMPLETED runs; the column "
    "“median, DIVERGED as worst” counts each DIVERGED run as worse than every value. FAILED runs (to be tried "
    "again) and STOPPED ones (ended early by a scheduler) are counted and otherwise left out. Intervals are 95 %: "
    "each by itself, over configurations, in which seeds are nested: Wilson’s for shares, for medians between order statistics "
    "(Hettmansperger & Sheather 1986), with several seeds each Woodruff’s (1952); none where there are fewer than five configurations."
)


def facts(study: Rows) -> dict[str, str]:
    """What was run, as name -> number."""
    runs = study.runs
    counts = {o.value: int((runs["outcome"] == o.value).sum()) for o in Outcome}
    shown = {name: f"{count:,}" for name, count in counts.items() if count or name != Outcome.STOPPED}
    lambdas = ", ".join(exact(lam) for lam in study.lambdas)
    return {
        "runs": f"{len(runs):,}",
        "systems": ", ".join(map(label, study.algorithms)),
        "configurations": f"{runs['configuration_key'].nunique():,}",
        "λ": lambdas if len(study.lambdas) <= 8 else counted(len(study.lambdas), "value"),
        "seeds": str(runs["seed"].nunique()),
        "iterations each": f"{study.budget:,}",
        **shown,
    }


def findings(study: Rows, comparison: Comparison | None, shown: list[float]) -> list[str]:
    """What the pairs say, one sentence per λ of those shown."""
    if comparison is None:
        return []
    return [
        finding(
            comparison.pairs,
            [comparison.at(lam, m.compared) for m in study.leading],
            comparison.divergence_at(lam),
        )
        for lam in comparison.pairs.lambdas
        if lam in shown
    ]


def notes(study: Rows, comparison: Comparison | None) -> list[str]:
    """What a reader must know before the numbers: rows left out, rows that should not be mixed, work outstanding."""
    said = []
    if study.other_budgets:
        others = ", ".join(
            f"{counted(count, 'row')} of {counted(budget, 'iteration')}"
            for budget, count in study.other_budgets.items()
        )
        said.append(f"Rows of different budgets are never pooled. This report is about {counted(study.budget, 'iteration')}; "
                    f"left out: {others} (choose with --iterations).")  # fmt: skip
    if study.other_samplers:
        others = "; ".join(
            f"{counted(count, 'row')} of {name}" for name, count in study.other_samplers.items()
        )
        said.append(f"Rows that different samplers proposed are never pooled. This report is about those of {study.sampler}; "
                    f"left out: {others} (choose with --sampler).")  # fmt: skip
    said += versions.left_out(study.superseded)
    stopped = int((study.runs["outcome"] == Outcome.STOPPED.value).sum())
    if stopped:
        said.append(f"{counted(stopped, 'run')} STOPPED before {counted(study.budget, 'iteration')}, in no statistic: what follows "
                    "is of the others, which were chosen for being good.")  # fmt: skip
    if study.manifest.searched:
        said.append(
            "A sampler chose the configurations: shares, histograms and medians are of what it chose, not of the space."
        )
    for metric, count in rows.tally(study, states.missing).items():
        said.append(f"{counted(count, 'COMPLETED run')} without {metric}: left out of that metric alone.")
    for metric, count in rows.tally(study, states.infinite).items():
        said.append(
            f"{counted(count, 'COMPLETED run')} with an infinite {metric}: worse than every finite one."
        )
    failed = study.runs.loc[study.runs["outcome"] == Outcome.FAILED.value, "error"].fillna("unknown error")
    if len(failed):
        common = failed.astype(str).str.split("\n").str[0].value_counts()
        said.append(f"{counted(len(failed), 'run')} FAILED and will be tried again by the next call of the study; most often: "
                    f"{common.index[0][:200]} ({counted(int(common.iloc[0]), 'time')}).")  # fmt: skip
    names = (*map(label, study.algorithms), *study.manifest.hyper_parameters)
    written = ", ".join(f"{name} as {drawable(name)}" for name in names if "[U+" in drawable(name))
    if written:
        said.append(f"Figures write what their font lacks by code point: {written}.")
    waiting = sum(comparison.pairs.unmatched.values()) if comparison else 0
    if waiting:
        said.append(f"{counted(waiting, 'pair')} {'waits' if waiting == 1 else 'wait'} for a side that is missing, FAILED or STOPPED; pairs are compared as they "
                    "complete. Each look at a study that still runs is a further test: stopping at the look that pleases errs "
                    "more often than the 5 % that verdicts declare.")  # fmt: skip
    return said


def opening(study: Rows, comparison: Comparison | None, shown: list[float]) -> str:
    """The page's opening as HTML: what was run, what the pairs say, what to know first."""
    said = "".join(page.paragraph(text, "finding") for text in findings(study, comparison, shown))
    known = "".join(page.paragraph(text, "note") for text in notes(study, comparison))
    return page.chips(facts(study)) + said + known


def summary_section(study: Rows, summary: pd.DataFrame) -> Section:
    """The summary table, beside what has been published."""
    body = page.paragraph(_COUNTING, "small") + page.table(*outcome_cells(summary))
    for measure in study.measures:
        part = page.table(*metric_cells(summary, measure))
        folded = measure not in study.headline
        body += page.details(measure.label, part) if folded else f"<h3>{escape(measure.label)}</h3>{part}"
    body += "<h3>Published</h3>"
    found = published_for(study)
    if not found:
        why = unlike(study)
        words = (
            f"Published figures {why}: they do not stand beside them."
            if why
            else "No published figures are recorded for this study."
        )
        return Section("Summary", body + page.paragraph(words, "small"))
    cells = [
        [label(p.system), "–" if p.lam is None else exact(p.lam), p.statement, p.source] for p in found
    ]  # fmt: skip
    body += page.table(["system", "λ", "published", "source"], cells, text_columns=4)
    return Section("Summary", body)


def marginal_section(study: Rows, lambdas: list[float]) -> Section:
    """Medians per level of each hyper-parameter: what is fragile."""
    body = page.paragraph(
        "Median over COMPLETED runs at each level, all other hyper-parameters taken as they come; DIVERGED as count of "
        "results (COMPLETED + DIVERGED).", "small")  # fmt: skip
    for i, lam in enumerate(lambdas):
        found = marginals(study, lam)
        header = ["hyper-parameter", "level"]
        for algorithm in study.algorithms:
            header += [
                f"{label(algorithm)} {what}" for what in (*(m.label for m in study.leading), "DIVERGED")
            ]
        cells = []
        for (name, level), group in found.groupby(["hyper_parameter", "level"], sort=False):
            own = {entry["algorithm"]: entry for _, entry in group.iterrows()}
            line = [name, level]
            for algorithm in study.algorithms:
                line += _marginal(own.get(algorithm), study.leading)
            cells.append(line)
        part = page.table(header, cells)
        body += f"<h3>λ = {exact(lam)}</h3>{part}" if i == 0 else page.details(f"λ = {exact(lam)}", part)
    return Section("By hyper-parameter", body)


def _marginal(entry: pd.Series | None, measures: Sequence[Measure]) -> list[str]:
    if entry is None:
        return ["–"] * (len(measures) + 1)
    diverged = f"{entry['diverged']} of {entry['results']}"
    return [*(number(entry[m.column]) for m in measures), diverged]


def provenance_section(study: Rows) -> Section:
    """Data, code, packages, devices and cost, and how to build the report again."""
    runs = study.runs
    packages: dict[str, set[str]] = defaultdict(set)
    for text in runs["versions"].unique():
        for package, version in json.loads(text).items():
            packages[package].add(str(version))
    trained = versions.trained(runs)
    seconds = float(runs["train_seconds"].sum())
    lines = {
        "rows": study.where,
        "data version": ", ".join(runs["data_version"].unique()),
        "versions of systems": ", ".join(f"{label(name)} {trained[name]}" for name in study.algorithms),
        "git commits": ", ".join(sorted(runs["git_commit"].unique())),
        "packages": ", ".join(f"{name} {' / '.join(sorted(found))}" for name, found in sorted(packages.items())),
        "devices": ", ".join(f"{name} ({counted(count, 'run')})" for name, count in runs["device"].value_counts().items()),
        "training time": f"{seconds:,.0f} s in all, {seconds / len(runs):.2f} s per run",
        "trained between": f"{runs['started_at'].min():%Y-%m-%d %H:%M} and {runs['finished_at'].max():%Y-%m-%d %H:%M} UTC",
    }  # fmt: skip
    chosen = f" --sampler {escape(shlex.quote(study.sampler))}" if study.other_samplers else ""
    command = (
        f"<pre>python -m analysis.report {escape(study.where)} --iterations {study.budget}{chosen}</pre>"
    )
    body = page.table(["what", "from the rows"], [[k, v] for k, v in lines.items()])
    return Section("Where this comes from", body + page.paragraph("To build this report again:") + command)
