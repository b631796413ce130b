"""Options of every study's command line, and how they are read."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from result_metrics import unknown
from sweeps.console import command_line
from sweeps.console.errors import check_given, refuse
from sweeps.strategies.halving import Halving
from sweeps.study import Study
from trainables import datasets, metrics

if TYPE_CHECKING:
    from trainables.metrics.base import Metric


def _preset(metavar: str) -> Any:
    return tyro.conf.arg(metavar=metavar, help_behavior_hint="(default: the preset's)")


@dataclass(frozen=True)
class Options:
    """Options of a study; what is left out comes from its preset."""

    preset: Annotated[
        str | None,
        tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: embedded, else the study's first)"),
    ] = None
    """How much to run, one of the study's presets: mostly smoke (a minute), embedded (a laptop) and paper."""
    algorithms: Annotated[
        tuple[str, ...] | None,
        tyro.conf.arg(metavar="NAME ...", help_behavior_hint="(default: the study's)"),
    ] = None
    """Objectives to compare, such as svae_r alice svae ali, or of your own at an import path, my_losses:Hinge."""
    set: Annotated[
        tuple[tuple[str, ...], ...],
        tyro.conf.UseAppendAction,
        tyro.conf.arg(metavar="NAME VALUE ...", help_behavior_hint="(repeatable)"),
    ] = ()
    """Levels of a hyper-parameter in place of the study's, such as --set width 64 128 or --set optimiser adam rmsprop, or of one that algorithms have of their own: --set temperature 1 1.5 3."""
    lambdas: Annotated[tuple[float, ...] | None, _preset("λ ...")] = None
    """Values of λ >= 0, the weight of the reconstruction terms; systems that have none are trained once."""
    seeds: Annotated[int | None, _preset("N")] = None
    """Number of seeds per configuration; more of them train only what is missing."""
    iterations: Annotated[int | None, _preset("N")] = None
    """Training iterations per run: one critic step and the configuration's encoder/decoder steps each."""
    limit: Annotated[int | None, _preset("N")] = None
    """Train a balanced subset of this many configurations."""
    search: Annotated[
        str | None,
        tyro.conf.arg(metavar="{grid,random,tpe,nsga2}", help_behavior_hint="(default: the study's)"),
    ] = None
    """How configurations are chosen: all of the grid, or by an Optuna sampler, whose runs have a folder of their own."""
    runs: int = 96
    """With --search: configurations to train per algorithm and λ."""
    metrics: Annotated[
        tuple[str, ...],
        tyro.conf.arg(metavar="NAME ...", help_behavior_hint="(default: of the study's headline)"),
    ] = ()
    """With --search and --halving: the metric to search for, any of the study's, such as mse_x; the last of its headline by default. nsga2 takes two."""
    generation: int = 16
    """With --search: configurations that are proposed, and train fused, before their results are told."""
    halving: Annotated[int | None, tyro.conf.arg(metavar="η", help_behavior_hint="")] = None
    """Successive halving: at rungs of iterations only the best 1/η by the metric go on, the others are STOPPED."""
    allow_biased_histograms: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Allow --halving on a grid: its histograms and statistics are then of the survivors alone."""
    until: Annotated[str | None, tyro.conf.arg(metavar="{decided}", help_behavior_hint="")] = None
    """decided: train balanced subsets, each within the next, only until the verdicts that the study asks for are decided."""
    search_seed: int = 0
    """With --search: seed of the sampler."""
    optuna_storage: Annotated[str | None, tyro.conf.arg(metavar="URL", help_behavior_hint="")] = None
    """With --search: also write the history there, for optuna-dashboard; sqlite:///FILE, another RDB URL or a journal file."""
    data: Annotated[
        str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the study's)")
    ] = None
    """Data set, such as mixture5, digits, fashion_mnist or fashion_mnist:representation=binary,part=0.1; the study on another one has a folder of its own."""
    data_dir: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="FOLDER",
            help_behavior_hint="(default: GENERATIVE_ROBUSTNESS_DATA, else ~/.cache/generative-robustness/data)",
        ),
    ] = None
    """Folder with the files of image data sets, here and on every node; `make data` says which go where."""
    features: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="FILE",
            help_behavior_hint="(default: GENERATIVE_ROBUSTNESS_FEATURES, else the classifier of the data)",
        ),
    ] = None
    """TorchScript file, here and on every node, that maps images [n, c, h, w] in [0, 1] to the features that image metrics compare, such as Inception with its weights."""
    keep: Annotated[str, tyro.conf.arg(metavar="{none,best,all}")] = "none"
    """Models to keep beside the rows as runs train: of every run, or the best of each algorithm, λ and number of iterations by the last headline metric."""
    precision: Annotated[str, tyro.conf.arg(metavar="{float32,tf32,bf16}")] = "float32"
    """Of the networks' matrix products; all else is float32. tf32 needs a GPU. A directory holds results of one."""
    results: str = "results"
    """Directory or pyarrow.fs URI (s3://…, gs://…) that holds the results; the study gets its own folder."""
    tracking_uri: Annotated[str | None, tyro.conf.arg(metavar="URI", help_behavior_hint="")] = None
    """MLflow's tracking URI; default MLFLOW_TRACKING_URI, else sqlite:///mlflow.db."""
    mirror: Annotated[str, tyro.conf.arg(metavar="{auto,all,sample,aggregates,sample+aggregates}")] = "auto"
    """What MLflow gets: all runs; a sample of them, with every run that diverged or failed and the best, median and worst; means over the seeds of each configuration; auto: all of up to 20,000 runs, of more sample+aggregates."""
    address: str = "local"
    """Ray cluster to run on: local (start one here), auto, or host:port."""
    py_modules: Annotated[tuple[str, ...], tyro.conf.arg(metavar="MODULE ...")] = ()
    """With --address: modules or packages of your own that the cluster's nodes get from here, such as my_networks."""
    scale_to: Annotated[tuple[int, int] | None, tyro.conf.arg(metavar="CPUS GPUS", help_behavior_hint="")] = (
        None
    )
    """What an autoscaled cluster may grow to, all its workers together; else the study asks for no more than is there."""
    notify: Annotated[str | None, tyro.conf.arg(metavar="URL|COMMAND", help_behavior_hint="")] = None
    """Tell this web address, or this command's input, in JSON how the study ended: what is done, counts, report."""
    dry_run: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print runs, cohorts and expected cost; train and write nothing."""
    simulate: Annotated[
        tuple[int, ...] | None, tyro.conf.arg(metavar="DEVICES ...", help_behavior_hint="")
    ] = None
    """Simulate these numbers of devices, each as fast as a CPU core here: makespan, efficiency, what binds."""


def parse(study: Study, arguments: Sequence[str] | None, description: str | None = None) -> Options:
    """Options from the command line; a bad one ends the process with one line and exit code 2."""
    script = Path(sys.argv[0]).name if arguments is None else f"{study.name}.py"
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments[:1] == ["--"]:  # `ray submit … -- OPTIONS` hands the separator on
        arguments = arguments[1:]
    options = command_line.read(Options, script, description or study.question, arguments)
    try:
        check_given(options)
    except ValueError as error:
        refuse(str(error))
    return options


def of_keywords(study: Study, keywords: Mapping[str, Any]) -> Options:
    """Options by the same names as on the command line, `--dry-run` as `dry_run=True`, and read as there.

    Args:
        keywords: option -> its value, a collection of values, or of `set` hyper-parameter -> levels; None, False and a collection of
            nothing are as if left out.

    Raises:
        ValueError: there is no such option, or a value is none of it.
    """
    known = [field.name for field in fields(Options)]
    words: list[str] = []
    for name, value in keywords.items():
        if name not in known:
            raise ValueError(unknown("an option", name, known))
        option = f"--{name.replace('_', '-')}"
        if name == "set":
            if not isinstance(value, Mapping):
                raise ValueError(
                    f"set must be hyper-parameter -> levels, such as {{'width': (64, 128)}}, got {value!r}"
                )
            for parameter, levels in value.items():
                words += [option, parameter, *_words(levels)]
        elif value is True:
            words.append(option)
        elif value is not None and value is not False and (given := _words(value)):
            words += [option, *given]
    options = command_line.parsed(Options, study.name, words)
    check_given(options)
    return options


def _words(value: Any) -> list[str]:
    several = isinstance(value, Iterable) and not isinstance(value, str)
    return [str(one) for one in (value if several else (value,))]


def search_metrics(study: Study, sampler: str, names: Sequence[str]) -> tuple[Metric, ...]:
    """Metrics to search for, or halve by.

    Args:
        names: as given; none for the study's: nsga2 takes the first two of its headline, by name as a front has no first one, others
            the last.

    Raises:
        ValueError: one is no metric of the study's data.
    """
    known = metrics.applicable(datasets.find(study.data), study.metrics)
    if not names:
        headline = [name for name in study.headline if name in known]
        names = sorted(headline[:2]) if sampler == "nsga2" else headline[-1:]
    for name in names:
        if name not in known:
            raise ValueError(unknown("--metrics", name, known))
    return tuple(known[name] for name in names)


def halving_of(options: Options, sampler: str, by: Sequence[Metric], iterations: int) -> Halving | None:
    """How runs are halved, or None.

    Raises:
        ValueError: they cannot be, or it would bias the histograms of a grid and was not allowed to.
    """
    if options.halving is None:
        return None
    from trainables.metrics.base import EVERY  # torch

    if sampler == "grid" and not options.allow_biased_histograms:
        raise ValueError("--halving must be left out of a robustness study: its histograms would be of the survivors "
                         f"alone, got {options.halving}; search with --search random, or add --allow-biased-histograms")  # fmt: skip
    if len(by) != 1:
        raise ValueError(
            f"--halving takes one metric to rank runs by, got {', '.join(m.name for m in by) or 'none'}; give --metrics"
        )
    if by[0].when is not EVERY:
        raise ValueError(f"--halving takes a metric that is taken {EVERY.value}, got {by[0].name}, which is taken "
                         f"{by[0].when.value}; give another with --metrics")  # fmt: skip
    halving = Halving(options.halving, by[0].info)
    halving.rungs(iterations)
    return halving
