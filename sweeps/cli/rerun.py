"""Train a stored run again from its record, and compare.

    python -m sweeps.cli.rerun 1a2b3c4d5e6f7081                               a run of results/toy_robustness
    python -m sweeps.cli.rerun 1a2b3c4d5e6f7081 --results s3://bucket/study
    python -m sweeps.cli.rerun 1a2b3c4d5e6f7081 --save model.pt               and the trained model, as a file to take along

On the CPU and in the environment in which it was trained, metrics and pictures are equal to the bit, whatever cohort the
run was in. That holds for one instruction set and one compiler: AVX2 and AVX-512, or native kernels and torch's
operations, round differently. Elsewhere this says what differs: arithmetic, versions, device, commit. In the results nothing
is written. A saved model is safetensors whatever its file is called, and `trainables.saved_models.load` reads it.
Exit codes: 0 equal, 1 not equal, 2 bad input.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tyro

import command_output
from result_manifest import SchemaError, read_manifest
from result_metrics import VERSION_1, MetricInfo
from result_pictures import Pictures, read_pictures
from result_reading import read_runs
from result_schema import VERSION, Outcome, run_name
from sweeps.cli import saving
from sweeps.console import command_line
from sweeps.console.errors import check_given
from sweeps.store import provenance
from trainables import datasets, objectives
from trainables.datasets.files import root
from trainables.recognition.features_file import FEATURES
from trainables.runs import Configuration, Run

if TYPE_CHECKING:
    from trainables.engine.training import Result, Training

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
                         "remove the cause, then give the study's command again to train it")  # fmt: skip
    manifest = read_manifest(results)
    data = datasets.of_version(row["data_version"], manifest.data)
    if not data:
        datasets.check(manifest.data)  # the files of images may not be here
        raise ValueError(f"run {run_key} was trained on data of version {row['data_version']}, which is not here; "
                         f"use commit {row['git_commit']}, and for images the files of then")  # fmt: skip
    here = objectives.find(row["algorithm"]).version
    if row[VERSION] != here:
        raise ValueError(f"run {run_key} must be of version {here} of {row['algorithm']}, which is here, but is of version "
                         f"{row[VERSION]}; use commit {row['git_commit']}, at which it was trained")  # fmt: skip
    run = Run(
        study=row["study"],
        algorithm=row["algorithm"],
        lam=row["lam"],
        seed=row["seed"],
        configuration=Configuration(**{n: row[n] for n in manifest.hyper_parameters if row[n] is not None}),
        budget=row["budget"],
        number=row["configuration"],
        precision=manifest.precision,
        data=data,
    )
    if run.key_at(row["lam"]) != run_key:
        raise ValueError(f"the record of run {run_key} must give its key, but gives {run.key}: it was changed, "
                         f"or keys are made otherwise now; use commit {row['git_commit']}")  # fmt: skip
    return run, row


def train(
    run: Run, iterations: int, device: str, metrics: Sequence[str] | None = None
) -> tuple[Result, dict[str, str]]:
    """The run alone, as far as it was trained, and the arithmetic by which it was; metrics as of `Training`."""
    training = trained(run, iterations, device, metrics)
    return training.results()[0], training.arithmetic


def trained(run: Run, iterations: int, device: str, metrics: Sequence[str] | None = None) -> Training:
    """The same before its results are taken."""
    import torch

    from trainables.engine.training import Training

    torch.set_num_threads(1)
    training = Training([run], device, None if iterations >= run.budget else iterations, metrics)
    while not training.finished:
        training.advance()
    return training


def again(results: str, run: Run, row: Mapping[str, Any], device: str) -> Training:
    """A stored run trained again, as far and with the metrics that it was."""
    until = row["iterations"] if row["outcome"] == Outcome.STOPPED else run.budget
    names = [metric.path or metric.name for metric in read_manifest(results).metrics]
    return trained(run, until, device, names)


def differences(
    row: Mapping[str, Any],
    result: Result,
    metrics: Sequence[MetricInfo] = VERSION_1,
    pictures: Pictures | None = None,
) -> dict[str, tuple[Any, Any]]:
    """Name -> stored and new value of what is not equal to the bit: the metrics, where it diverged, and kinds of its stored pictures.

    Left out is a metric that came to the study later than the row, which lacks it.
    """
    values = {**(result.metrics or {}), DIVERGED_AT: result.diverged_at}
    from_the_first = {metric.name for metric in VERSION_1}
    names = [m.name for m in metrics if row[m.name] is not None or m.name in from_the_first] + [DIVERGED_AT]
    unequal: dict[str, tuple[Any, Any]] = {
        name: (row[name], values.get(name)) for name in names if row[name] != values.get(name)
    }
    for kind, images in (pictures or {}).items():
        stored, now = (_short(drawn) for drawn in (images, result.pictures.get(kind)))
        unequal |= {kind: (stored, now)} if stored != now else {}
    return unequal


def _short(images: npt.NDArray[np.uint8] | None) -> str:
    """Shape and digest of pictures, in words."""
    if images is None:
        return "none"
    return f"{list(images.shape)} sha256 {hashlib.sha256(images.tobytes()).hexdigest()[:12]}"


def environment(
    row: Mapping[str, Any], device: str, arithmetic: Mapping[str, str]
) -> tuple[dict[str, tuple[Any, Any]], list[str]]:
    """Name -> then and now of what differs between the record's environment and this one; names of what it does not say."""
    then = {**json.loads(row["versions"]), "device": row["device"], "commit": row["git_commit"]}
    now = {**provenance.versions(), **arithmetic, "device": device, "commit": provenance.git_commit()}
    # Rows of earlier versions do not say by which arithmetic they were trained; torch's has no compiler.
    unknown = [] if "arithmetic" in then else sorted(arithmetic)
    names = [name for name in {**then, **now} if name not in unknown]
    return {
        name: (then.get(name), now.get(name)) for name in names if then.get(name) != now.get(name)
    }, unknown


@dataclass(frozen=True)
class Options:
    """Train a stored run again from its record, and compare its metrics and pictures to the bit."""

    run_key: Annotated[str, tyro.conf.Positional]
    """Key of the run, 16 hexadecimal digits."""
    results: str = "results/toy_robustness"
    """The study's results directory or URI."""
    device: str = "cpu"
    """Torch device to train on."""
    save: Annotated[str | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """File for the trained model: weights and the run's record, as safetensors."""
    data_dir: Annotated[
        str | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="(default: as of a study)")
    ] = None
    """Folder with the files of image data sets."""
    features: Annotated[
        str | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: as of a study)")
    ] = None
    """TorchScript file by which images get their features."""


def main(options: Options) -> int:
    """Run the command; returns its exit code."""
    with root.using(options.data_dir), FEATURES.using(options.features):
        return _main(options)


def _main(options: Options) -> int:
    try:
        check_given(options)
        if options.data_dir is not None:
            root.folder()
        run, row = find(options.results, options.run_key)
        if options.save is not None:
            saving.check_has_model(row)
            saving.check_place(options.save)
        metrics = read_manifest(options.results).metrics
        pictures = read_pictures(options.results, [options.run_key]).get(options.run_key)
        training = again(options.results, run, row, options.device)
        result, arithmetic = training.results()[0], training.arithmetic
        if options.save is not None:
            saving.save(training, options.device, options.save)
    except (ValueError, SchemaError, OSError, RuntimeError, pa.ArrowException) as error:
        print(f"sweeps.cli.rerun: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    unequal = differences(row, result, metrics, pictures)
    other, unknown = environment(row, options.device, arithmetic)
    print(
        f"{run_name(row, objectives.find(run.algorithm).lam is not None)}: {row['outcome']} after {row['iterations']} iterations, {row['cohort_size']} in its cohort"
    )
    for name, (then, now) in unequal.items():
        print(f"not equal   {name}: {then!r} stored, {now!r} now")
    for name, (then, now) in other.items():
        print(f"environment {name}: {then} then, {now} now")
    if unknown:
        print(f"environment {', '.join(unknown)}: the record does not say")
    if options.save is not None:
        print(
            f"saved       {options.save}, {Path(options.save).stat().st_size:,} bytes; read it with trainables.saved_models.load"
        )
    words = "equal to the bit" if not unequal else f"{len(unequal)} values differ"
    same = "the same as far as the record says" if unknown else "the same"
    print(f"{words}; the environment is {'another one' if other else same}")
    return 1 if unequal else 0


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main(command_line.read(Options, "python -m sweeps.cli.rerun", __doc__ or "")))
