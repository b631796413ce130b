"""Reproducibility statement of a study, from its rows: what a reader needs who wants to train the same again."""

from __future__ import annotations

import json

from analysis import rows, versions
from analysis.rows import HAS_NONE, Rows
from analysis.words import counted, label, listed
from result_names import exact
from result_schema import Outcome

MOST_COMMITS = 4
"""Commits are told one by one up to so many, and else by the first and the last."""

_DIGITS = 12
"""Of a commit, as many as tell it from any other."""


def sentences(study: Rows) -> list[str]:
    """Paragraphs: runs and budget; what was varied; what was left out; code, packages and processors; how to do it again."""
    return [_runs(study), _varied(study), _left_out(study), _environment(study), _again(study)]


def _runs(study: Rows) -> str:
    runs = study.trained
    counts = [(one, int((runs["outcome"] == one.value).sum())) for one in Outcome]
    outcomes = listed([f"{count:,} {one.value}" for one, count in counts if count])
    lam = f", λ in {{{', '.join(map(exact, study.lambdas))}}}" if study.has_lambda else ""
    return (
        f"{counted(len(runs), 'run')} of {study.budget:,} iterations each, {outcomes}: "
        f"{listed([label(name) for name in study.algorithms])} under {counted(runs['configuration_key'].nunique(), 'configuration')}"
        f"{lam}, with {counted(runs['seed'].nunique(), 'seed')} ({', '.join(map(str, sorted(runs['seed'].unique())))}), "
        f"on {listed(sorted(runs['data_version'].unique()))}, networks in {study.manifest.precision}. "
        "A DIVERGED run is a result: it stands in every denominator, and in comparisons it is worse than any that COMPLETED."
    )


def _varied(study: Rows) -> str:
    names = [name for name in study.manifest.hyper_parameters if name in study.runs]
    levels = {name: [v for v in study.runs[name].unique() if v != HAS_NONE] for name in names}
    varied = {name: sorted(found) for name, found in levels.items() if len(found) > 1}
    fixed = {name: found[0] for name, found in levels.items() if len(found) == 1}
    chosen = (
        f"were proposed by {study.sampler}" if study.manifest.searched else "are points of a full factorial"
    )
    said = f"Configurations {chosen}"
    if varied:
        said += " over " + "; ".join(
            f"{name} {_levels(values) if len(values) <= rows.MOST_LEVELS else f'from {_value(values[0])} to {_value(values[-1])}'}"
            for name, values in varied.items()
        )
    if fixed:
        said += f". Fixed: {', '.join(f'{name} {_value(value)}' for name, value in fixed.items())}"
    return f"{said}. They are the same for every system, and so are seeds: results are compared in pairs."


def _left_out(study: Rows) -> str:
    said = [f"{counted(n, 'row')} of {counted(b, 'iteration')}" for b, n in study.other_budgets.items()]
    said += [f"{counted(n, 'row')} proposed by {name}" for name, n in study.other_samplers.items()]
    stored = versions.left_out(study.superseded)
    if not said and not stored:
        return "No stored run of this study is left out."
    others = [f"Left out, for budgets and samplers are never pooled: {listed(said)}."] if said else []
    return " ".join([*others, *stored])


def _environment(study: Rows) -> str:
    runs = study.trained
    commits = [str(commit)[:_DIGITS] for commit in runs.sort_values("finished_at")["git_commit"].unique()]
    code = (
        listed(commits)
        if len(commits) <= MOST_COMMITS
        else f"{commits[0]} to {commits[-1]} ({len(commits)} of them)"
    )
    packages: dict[str, set[str]] = {}
    for text in runs["versions"].unique():
        for package, version in json.loads(text).items():
            packages.setdefault(package, set()).add(str(version))
    versions_of = ", ".join(f"{name} {' / '.join(sorted(found))}" for name, found in sorted(packages.items()))
    devices = [f"{name} ({counted(count, 'run')})" for name, count in runs["device"].value_counts().items()]
    hours = float(runs["train_seconds"].sum()) / 3600
    return (
        f"Trained by generative-robustness at {code}, with {versions_of}, on {listed(devices)}, "
        f"in {hours:,.2f} device-hours. On a CPU a run's numbers are bitwise the same alone and in any cohort, for one instruction set."
    )


def _again(study: Rows) -> str:
    return (
        "Each run can be trained again from its row and compared: python -m sweeps.cli.rerun RUN_KEY. All tables and figures are "
        f"made again from the rows: python -m analysis.report {study.where} --iterations {study.budget}."
    )


def _levels(values: list[object]) -> str:
    return f"{{{', '.join(map(_value, values))}}}"


def _value(value: object) -> str:
    return exact(value) if isinstance(value, float) else str(value)
