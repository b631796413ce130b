"""The measurements as one table, with the words that make it readable."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from infra.benchmarks.measurements import Measurement, typical
from infra.benchmarks.scale import Scale
from infra.benchmarks.workload import MIX

CONTENDERS = {
    "alone": "one run at a time, eager PyTorch",
    "plain": "plain Ray Tune: one run per trial",
    "reused": "the same with `reuse_actors=True`",
    "packed": "{packed} processes, one run each",
    "stacked": "hand-batched layers, as after HFTA",
    "engine": "this project",
}
"""Contender -> its row's heading."""

NOT_MEASURED = "not measured"


def markdown(
    measured: Sequence[Measurement], scale: Scale, machine: dict[str, str | int], with_ray: bool
) -> str:
    """What was measured on what, the table, and what is to be known about it."""
    scopes = [*map(str, scale.widths), MIX]
    heading = (
        ["wall s per run (× this project)"] + [f"width {scope}" for scope in scopes[:-1]] + ["study's mix"]
    )
    rows = [heading, ["---"] + ["---:"] * len(scopes)]
    rows += [
        [words.format(packed=scale.packed), *(_seconds(measured, name, scope) for scope in scopes)]
        for name, words in CONTENDERS.items()
    ]
    rows += [
        ["GFLOP/s of this project", *(_rate(measured, "engine", scope) for scope in scopes)],
        [
            "GFLOP/s of a batched product of its shapes",
            *(_rate(measured, "product", scope) for scope in scopes),
        ],
        ["this project's share of it", *(_share(measured, scope) for scope in scopes)],
    ]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, "", *_notes(measured, scale, machine, with_ray)])


def _notes(
    measured: Sequence[Measurement], scale: Scale, machine: dict[str, str | int], with_ray: bool
) -> list[str]:
    excerpts = {width: scale.excerpt(width) for width in scale.widths}
    shown = ", ".join(f"{iterations} iterations at width {width}" for width, iterations in excerpts.items())
    rounds = max((m.repetition for m in measured if m.contender == "alone"), default=0)
    starts = {w: typical(measured, "engine", str(w), "start_up") for w in scale.widths}
    start_up = ", ".join(
        f"{value * scale.members * scale.cohorts:.2g} s at width {width}"
        for width, value in starts.items()
        if value is not None
    )
    quiet = typical(measured, "quiet", str(scale.widths[0]), "seconds_per_run")
    notes = [
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['device']}; torch {machine['torch']}, "
        f"Ray {machine['ray']}; commit {machine['commit']}.",
        f"Seconds are of the whole machine, for runs of {scale.budget} iterations; medians of {rounds} rounds in which all take turns.",
        "A width has 2 hidden layers everywhere, 5 encoder/decoder steps and batch 128; the mix is three structures for each of "
        "the widths 32, 64 and 128. λ = 0.1, both algorithms, every learning rate, β1 and dropout.",
        f"Contenders without Ray train an excerpt ({shown}; those of 60 end with their evaluation, shorter ones have none), "
        f"scaled to {scale.budget} iterations but for what is paid once. "
        f"This project and the hand-batched layers train {scale.cohorts} cohorts of {scale.members} at once, a process each; "
        f"starting a cohort of a new structure takes this project {start_up}, which is in its seconds and not in its GFLOP/s.",
    ]
    if with_ray:
        silent = f"; told not to, it takes {quiet:.3g} s at width {scale.widths[0]}" if quiet else ""
        notes += [
            "Ray Tune trains whole runs, and in the mix so does this project, as a study: planned, trained by Ray Tune, every row "
            "stored. Short trials lead in: the start of Tune and of workers that are kept, and cores left idle at the end, are in "
            "nobody's seconds, as in a study of thousands.",
            f"Plain Ray Tune writes the JSON, CSV and TensorBoard files that it writes by default{silent}.",
        ]
    return [f"* {note}" for note in notes]


def _seconds(measured: Sequence[Measurement], name: str, scope: str) -> str:
    value = typical(measured, name, scope, "seconds_per_run")
    ours = typical(measured, "engine", scope, "seconds_per_run")
    if value is None or ours is None:
        return NOT_MEASURED
    return f"{value:.3g} ({value / ours:.1f})" if name != "engine" else f"{value:.3g}"


def _rate(measured: Sequence[Measurement], name: str, scope: str) -> str:
    value = typical(measured, name, scope, "flops")
    return "" if value is None else f"{value / 1e9:.0f}"


def _share(measured: Sequence[Measurement], scope: str) -> str:
    rates = {
        name: {m.repetition: m.flops for m in measured if (m.contender, m.scope) == (name, scope)}
        for name in ("engine", "product")
    }
    shares = [rates["engine"][r] / flops for r, flops in rates["product"].items() if r in rates["engine"]]
    return f"{median(shares):.0%}" if shares else ""
