"""Top of the report: facts, findings of the pairs, and what a reader must know before the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from analysis import rows, states, versions
from analysis.comparison.families import Comparison
from analysis.document.blocks import NOTE, Block, Facts, Text
from analysis.document.style import drawable
from analysis.rows import Rows
from analysis.sections.base import Report, Section
from analysis.words import counted, label
from result_names import exact
from result_schema import Outcome


@final
class WhatWasRun(Section):
    """Facts, after the findings of the first sections."""

    name, order, title = "facts", 65, "What was run"

    def opening(self, report: Report) -> Iterator[Block]:
        yield Facts(facts(report.study))

    def blocks(self, report: Report) -> Iterator[Block]:
        yield from ()


@final
class Notes(Section):
    """Rows left out, rows that should not be mixed, work outstanding."""

    name, order, title = "notes", 105, "Notes"

    def opening(self, report: Report) -> Iterator[Block]:
        for words in notes(report.study, report.comparison):
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
        "systems": ", ".join(map(label, study.algorithms)),
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
    waiting = sum(comparison.pairs.unmatched.values()) if comparison else 0
    if waiting:
        said.append(f"{counted(waiting, 'pair')} {'waits' if waiting == 1 else 'wait'} for a side that is missing, FAILED or STOPPED; pairs are compared as they "
                    "complete. Each look at a study that still runs is a further test: stopping at the look that pleases errs "
                    "more often than the 5 % that verdicts declare.")  # fmt: skip
    return said
