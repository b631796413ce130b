"""Train a stored run again from its record, and compare.

    python -m sweeps.rerun 1a2b3c4d5e6f7081                               a run of results/toy_robustness
    python -m sweeps.rerun 1a2b3c4d5e6f7081 --results s3://bucket/study

On the CPU and in the environment in which it was trained, the metrics are equal to the bit, whatever cohort the
run was in. Elsewhere this says what differs: versions, device, commit. Nothing is written.
Exit codes: 0 equal, 1 not equal, 2 bad input.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
import torch
import tyro

from result_schema import FURTHER_METRICS, METRICS, Outcome, SchemaError, read_manifest, read_runs, run_name
from sweeps import provenance
from sweeps.refusal import check_given
from trainables import datasets
from trainables.runs import HYPER_PARAMETERS, Configuration, Run
from trainables.training import Result, Training

DIVERGED_AT = "diverged_at"


def find(results: str, run_key: str) -> tuple[Run, dict[str, Any]]:
    """A run and its row, from the stored record alone.

    Raises:
        ValueError: no such run is stored, it has no result, or what it was trained on is not here any more.
    """
    rows = read_runs(results)
    found = rows.filter(pc.equal(rows["run_key"], run_key)).to_pylist()
    if not found:
        raise ValueError(f"run key must be one of the {rows.num_rows:,} runs of {results}, got {run_key[:80]!r}; "
                         "MLflow shows it as the tag run_key")  # fmt: skip
    row: dict[str, Any] = found[0]
    if row["outcome"] == Outcome.FAILED:
        raise ValueError(f"run {run_key} must have a result, but it FAILED ({row['error']}); "
                         "give the study's command again to train it")  # fmt: skip
    data = [name for name, kind in datasets.available().items() if kind.version == row["data_version"]]
    if not data:
        raise ValueError(f"run {run_key} was trained on data of version {row['data_version']}, which is not here; "
                         f"use commit {row['git_commit']}")  # fmt: skip
    run = Run(
        study=row["study"],
        algorithm=row["algorithm"],
        lam=row["lam"],
        seed=row["seed"],
        configuration=Configuration(**{name: row[name] for name in HYPER_PARAMETERS}),
        budget=row["budget"],
        number=row["configuration"],
        precision=read_manifest(results).precision,
        data=data[0],
    )
    if run.key != run_key:
        raise ValueError(f"the record of run {run_key} must give its key, but gives {run.key}: it was changed, "
                         f"or keys are made otherwise now; use commit {row['git_commit']}")  # fmt: skip
    return run, row


def train(run: Run, iterations: int, device: str) -> Result:
    """The run alone, as far as it was trained."""
    torch.set_num_threads(1)
    training = Training([run], device, None if iterations >= run.budget else iterations)
    while not training.finished:
        training.advance()
    return training.results()[0]


def differences(row: Mapping[str, Any], result: Result) -> dict[str, tuple[Any, Any]]:
    """Name -> stored and new value of what is not equal to the bit: the metrics, and where it diverged."""
    values = {**(result.metrics or {}), DIVERGED_AT: result.diverged_at}
    names = (*METRICS, *FURTHER_METRICS, DIVERGED_AT)
    return {name: (row[name], values.get(name)) for name in names if row[name] != values.get(name)}


def environment(row: Mapping[str, Any], device: str) -> dict[str, tuple[Any, Any]]:
    """Name -> then and now of what differs between the record's environment and this one."""
    then = {**json.loads(row["versions"]), "device": row["device"], "commit": row["git_commit"]}
    now = {**provenance.versions(), "device": device, "commit": provenance.git_commit()}
    return {
        name: (then.get(name), now.get(name)) for name in {**then, **now} if then.get(name) != now.get(name)
    }


@dataclass(frozen=True)
class Options:
    """Train a stored run again from its record, and compare its metrics to the bit."""

    run_key: Annotated[str, tyro.conf.Positional]
    """Key of the run, 16 hexadecimal digits."""
    results: str = "results/toy_robustness"
    """The study's results directory or URI."""
    device: str = "cpu"
    """Torch device to train on."""


def main(options: Options) -> int:
    """Run the command; returns its exit code."""
    try:
        check_given(options)
        run, row = find(options.results, options.run_key)
        result = train(
            run, row["iterations"] if row["outcome"] == Outcome.STOPPED else run.budget, options.device
        )
    except (ValueError, SchemaError, OSError, RuntimeError, pa.ArrowException) as error:
        print(f"sweeps.rerun: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    unequal, other = differences(row, result), environment(row, options.device)
    print(
        f"{run_name(row)}: {row['outcome']} after {row['iterations']} iterations, {row['cohort_size']} in its cohort"
    )
    for name, (then, now) in unequal.items():
        print(f"not equal   {name}: {then!r} stored, {now!r} now")
    for name, (then, now) in other.items():
        print(f"environment {name}: {then} then, {now} now")
    words = "equal to the bit" if not unequal else f"{len(unequal)} values differ"
    print(f"{words}; the environment is {'another one' if other else 'the same'}")
    return 1 if unequal else 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options)))
