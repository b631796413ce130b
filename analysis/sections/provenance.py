"""Data, code, packages, devices and cost, and how to build the report again."""

from __future__ import annotations

import json
import shlex
from collections import defaultdict
from collections.abc import Iterator
from typing import final

from analysis import versions
from analysis.document.blocks import Block, Code, Table, Text
from analysis.sections.base import Report, Section
from analysis.words import counted, label


@final
class Provenance(Section):
    """Origin of the rows."""

    name, order, title = "provenance", 220, "Where this comes from"

    def blocks(self, report: Report) -> Iterator[Block]:
        study = report.study
        runs = study.trained
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
        yield Table(["what", "from the rows"], [[what, words] for what, words in lines.items()])
        yield Text("To build this report again:")
        chosen = f" --sampler {shlex.quote(study.sampler)}" if study.other_samplers else ""
        yield Code(f"python -m analysis.report {study.where} --iterations {study.budget}{chosen}")
