"""Top of the report, after what was found: what was run, and what a reader must know before the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

from analysis import rows, states, versions
from analysis.document.blocks import NOTE, Block, Facts, Heading, Text
from analysis.document.style import drawable
from analysis.rows import Rows
from analysis.sections.base import MOST_SYSTEMS, Report, Section
from analysis.words import counted, label
from result_names import exact
from result_schema import Outcome


@final
class WhatWasRun(Section):
    """Facts, in boxes."""

    name, order, title = "facts", 65, "What was run"

    def opening(self, report: Report) -> Iterator[Block]:
        yield Heading(self.title)
        yield Facts(facts(report.study))

    def blocks(self, report: Report) -> Iterator[Block]:
        yield from ()


@final
class Notes(Section):
    """Rows left out, rows that should not be mixed, work outstanding."""

    name, order, title = "notes", 105, "Notes"

    def opening(self, report: Report) -> Iterator[Block]:
        found = notes(report.study, report.shown)
        if found:
            yield Heading(self.title)
        for words in found:
            yield Text(words, NOTE)

    def blocks(self, report: Report) -> Iterator[Block]:
        yield from ()


def facts(study: Rows) -> dict[str, str]:
    """What was run, as name -> number."""
    runs = study.trained
    counts = {o.value: int((runs["outcome"] == o.value).sum()) for o in Outcome}
    shown = {name: f"{count:,}" for name, count in counts.items() if count or name != Outcome.STOPPED}
    lambdas = ", ".join(exact(lam) for lam in study.lambdas)
    return {
        "runs": f"{len(runs):,}",
        "systems": ", ".join(map(label, study.algorithms))
        if len(study.algorithms) <= MOST_SYSTEMS
        else str(len(study.algorithms)),
        "configurations": f"{runs['configuration_key'].nunique():,}",
        **(
            {"λ": lambdas if len(study.lambdas) <= 8 else counted(len(study.lambdas), "value")}
            if study.has_lambda
            else {}
        ),
        "seeds": str(runs["seed"].nunique()),
        "iterations each": f"{study.budget:,}",
        **shown,
    }


def notes(study: Rows, shown: Sequence[float]) -> list[str]:
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
    stopped = int((study.trained["outcome"] == Outcome.STOPPED.value).sum())
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
    failed = study.trained.loc[study.trained["outcome"] == Outcome.FAILED.value, "error"].fillna(
        "unknown error"
    )
    if len(failed):
        common = failed.astype(str).str.split("\n").str[0].value_counts()
        said.append(f"{counted(len(failed), 'run')} FAILED and will be tried again by the next call of the study; most often: "
                    f"{common.index[0][:200]} ({counted(int(common.iloc[0]), 'time')}).")  # fmt: skip
    names = (*map(label, study.algorithms), *study.manifest.hyper_parameters)
    written = ", ".join(f"{name} as {drawable(name)}" for name in names if "[U+" in drawable(name))
    if written:
        said.append(f"Figures write what their font lacks by code point: {written}.")
    if len(shown) < len(study.lambdas):
        said.append(
            f"Figures and marginal tables with a part per λ show {len(shown)} of {len(study.lambdas)} λ."
        )
    return said
