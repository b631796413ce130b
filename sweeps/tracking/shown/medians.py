"""Summary runs: one MLflow run of each algorithm and λ, with the report's medians, so that charts show all runs and not the first 100."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from result_manifest import Manifest
from result_names import exact, split_variant
from sweeps.tracking.summaries import KEY

if TYPE_CHECKING:
    from sweeps.tracking.mlflow_store import RunContent

FILE = "summary.csv"
KIND = "summary"
MEDIAN, LOW, HIGH = "median/", "low/", "high/"
"""Prefixes of a metric's name: its median over configurations, and the ends of its 95 % interval."""


def contents(
    report: Path, manifest: Manifest, colours: Mapping[str, str]
) -> Iterator[tuple[str, str, RunContent]]:
    """Name, digest and content of each run of a report's summary, if it has one, in its algorithm's colour.

    A median that is a DIVERGED run is left out.
    """
    from sweeps.tracking.mlflow_store import RunContent

    if not (report / FILE).is_file():
        return
    labels, level, at = manifest.labels, set[str](), int((report / FILE).stat().st_mtime * 1000)
    for line in csv.DictReader(io.StringIO((report / FILE).read_text())):
        name, lam = line["algorithm"], float(line["lam"])
        has_lambda = "lam" in manifest.own.get(split_variant(name)[0], {"lam": None})
        if name in level:
            continue  # without λ it is the same at each
        if not has_lambda:
            level.add(name)
        metrics = {f"{what}{m.name}": line.get(f"{m.name}_median{end}") for m in manifest.metrics
                   for what, end in ((MEDIAN, ""), (LOW, "_low"), (HIGH, "_high"))}  # fmt: skip
        metrics |= {"runs": line["runs"], "diverged_share": line["diverged_share"]}
        key = f"median {name} {lam!r}" if has_lambda else f"median {name}"
        digest = hashlib.sha256(repr(sorted(line.items())).encode()).hexdigest()
        tags = {
            "kind": KIND,
            KEY: key,
            "content": digest,
            "algorithm": name,
            **({"mlflow.runColor": colours[name]} if name in colours else {}),
        }
        yield (
            key,
            digest,
            RunContent(
                name=f"{labels.get(name, name)}{f' λ={exact(lam)}' if has_lambda else ''}, median",
                started=at,
                finished=at,
                status="FINISHED",
                params={"algorithm": name, **({"lam": exact(lam)} if has_lambda else {})},
                metrics=[(m, value, at, 0) for m, value in _finite(metrics)],
                tags=tags,
            ),
        )


def _finite(values: Mapping[str, str | None]) -> Iterator[tuple[str, float]]:
    for name, text in values.items():
        if text and math.isfinite(value := float(text)):
            yield name, value
