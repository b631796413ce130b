"""The one command line of every study: what happens from declaration to report."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import Console

import command_output
import part_registry
from result_files import below
from result_manifest import SchemaError
from sweeps.cli import notify
from sweeps.cli.carrying_out import carry_out
from sweeps.cli.ending import INTERRUPTED, Ending
from sweeps.cli.options import Options, halving_of, parse, search_metrics
from sweeps.console.errors import check_uri, refuse, remedy
from sweeps.console.masking import masked
from sweeps.execution.cluster import ClusterError, connect, require
from sweeps.execution.sigterm import stopped_by_sigterm
from sweeps.execution.starting import Starting, beside, leave
from sweeps.store import kept_models, lease, superseded
from sweeps.store.lease import Fenced
from sweeps.store.store import Store
from sweeps.strategies.base import Strategy
from sweeps.strategies.full_grid import FullGrid
from sweeps.strategies.halved_grid import HalvedGrid
from sweeps.strategies.halving import Halving
from sweeps.strategies.settled import Record
from sweeps.study import ALL, Preset, Study, outside
from sweeps.study.grid import Grid
from sweeps.study.space import Space
from sweeps.study.variants import placed, varied
from sweeps.tracking.follower import resolve_tracking_uri
from sweeps.tracking.selection import check as check_policy
from trainables import configurations, datasets, metrics, objectives, runs
from trainables.configurations import NAMED
from trainables.datasets.files import root
from trainables.recognition.features_file import FEATURES

if TYPE_CHECKING:
    from sweeps.strategies.decided import DecidedGrid


def main(
    study: Study,
    arguments: Sequence[str] | None = None,
    description: str | None = None,
    py_modules: Sequence[str] = (),
) -> None:
    """Run a study from the command line. Exit code 2 and one line on bad input, 130 on Ctrl-C.

    Args:
        study: what is run.
        arguments: of the command line; None for those of this process.
        description: help text; None for the study's question.
        py_modules: names of modules or packages beside the study's file that a cluster's nodes get from here.
    """
    command_output.lasting()
    options = parse(study, arguments, description)
    options = replace(options, py_modules=(*py_modules, *options.py_modules))
    console = Console(soft_wrap=True, highlight=False)
    try:
        code = run(study, options, console)
    except (ValueError, SchemaError, ClusterError, Fenced) as error:
        refuse(str(error))
    except OSError as error:
        console.print(f"error: {masked(str(error))}; what is stored is whole: {remedy(error)}")
        code = 1
    except KeyboardInterrupt:
        console.print("\nInterrupted. Finished runs are stored; give the same command again to continue.")
        code = INTERRUPTED
    gc.freeze()  # else Python looks all of torch and Ray through for cycles before it ends: a second
    sys.exit(code)


def run(study: Study, options: Options, console: Console) -> int:
    """Train what is declared and not stored, mirror it, report it; returns the exit code. A Ray that it started has ended then.

    Raises:
        ValueError, SchemaError, ClusterError: bad input; nothing was written.
    """
    with (
        root.using(options.data_dir),
        FEATURES.using(options.features),
        contextlib.ExitStack() as started,
    ):
        return _run(study, options, console, started)


def _run(study: Study, options: Options, console: Console, started: contextlib.ExitStack) -> int:
    preset = study.preset(
        options.preset,
        lambdas=options.lambdas,
        seeds=options.seeds,
        iterations=options.iterations,
        limit=options.limit,
    )
    if options.data_dir is not None:
        root.folder()
    study = placed(study, options.data, options.search)
    # Before Ray starts beside, and what the code does not tell may have changed since all was trained.
    read = [datasets.find(study.data).version] if datasets.may_change(study.data) else []
    if options.algorithms and set(study.space) - set(configurations.among(study.space)):
        before, study = study.space, study.comparing(options.algorithms)
        say_left_out(before, study.space, "algorithm that is compared has", console)
    if options.set:
        before, study = study.space, varied(study, options.set)
        say_left_out(before, study.space, "part of the study with --set declares", console)
    notify.check(options.notify)
    for path in (*study.sections, *part_registry.contributed_paths("sections")):
        part_registry.imported(path, object)  # now rather than in the report, after hours of training
    sampler = options.search or study.search
    tracking_uri = resolve_tracking_uri(options.tracking_uri)
    check_uri("--results", options.results)
    store = Store(below(options.results, study.name))
    there = store.check(study.name, options.precision)
    searches = sampler != "grid" or options.halving is not None
    searched = search_metrics(study, sampler, options.metrics) if searches else ()
    halving = halving_of(options, sampler, searched, preset.iterations)
    kept_models.check(options.keep)
    only_shown = options.dry_run or options.simulate is not None
    record, slots, ending = (
        None,
        None,
        Ending(study.name, store, preset.iterations, tracking_uri, check_policy(options.mirror), console),
    )
    starting: Starting | None = None

    def ray() -> Starting:
        """Ray, which starts beside this from the first call on."""
        nonlocal starting
        if starting is None:
            store.check_writable()
            lease.refuse(store.filesystem, store.path)  # now rather than when Ray is there
            starting = beside(connect, options.address, options.scale_to, options.py_modules)
            started.callback(leave, starting)
        return starting

    if options.until is not None:
        check_until(options.until, sampler, halving)
    if sampler == "grid" and not halving and not options.until and not only_shown:
        declaration = (study, preset, options.algorithms, options.precision)
        record = Record(store, *declaration, *read)
        if there and (settled := record.recall()):
            return notify.told(
                options.notify,
                settled,
                ending,
                lambda: carry_out(settled, None, record, ending, keep=options.keep),
            )
        known = store.manifest if there else None
        if (
            options.data is None
            and options.algorithms is None
            and not options.set
            and not set(NAMED) & set(study.space)
            and not study.metrics
            and not (known and any(metric.path for metric in known.metrics))  # which may not be here
            and store.count_finished() < surely_declared(study, preset, known.own if known else {})
        ):
            # Hardly anything that is left to check can be refused: Ray starts while torch is loaded.
            runs.check(preset.lambdas[0], preset.iterations, options.precision)
            ray()

    datasets.check(study.data)
    if options.features is not None and not datasets.find(study.data).featured:
        raise ValueError(f"--features must be left out on {study.data}, which is no set of images read from files, got {options.features}")  # fmt: skip
    algorithms = study.compared(options.algorithms)
    study.check_metrics()
    for name in algorithms:
        objectives.check(name, study.data)
    from trainables.engine.rehearsal import rehearse

    rehearse(study.metrics, algorithms, study.data)
    if there:
        check_stored_metrics(store)
    if sampler == "grid":
        declared = study.declared(preset, options.algorithms, options.precision)
        if only_shown:
            from sweeps.cli import preview

            halved = HalvedGrid(declared, halving, store) if halving else None
            kept = superseded.words(store, algorithms, study.data) if there else ""
            preview.show(declared, store.finished(), halved, options.simulate, kept, console, options.keep)
            if options.until:
                console.print(
                    f"until     decided: looked at {until_decided(study, preset, declared, store).plan()}"
                )
            return 0

        def declare() -> Strategy:
            if halving:
                return HalvedGrid(declared, halving, store)
            if options.until:
                return until_decided(study, preset, declared, store)
            return FullGrid(declared, store.finished())

    else:
        of_grids = {"--dry-run": options.dry_run, "--simulate": options.simulate, "--limit": options.limit, "--seeds": options.seeds}  # fmt: skip
        for option, value in of_grids.items():
            if value is not None and value is not False:
                raise ValueError(
                    f"{option} must be left out with --search {sampler}: it is of a grid, got {value}"
                )
        from sweeps.strategies.optuna_search import Settings  # Optuna, which a grid does without
        from sweeps.strategies.search import Searches

        settings = Settings(
            sampler,
            tuple(metric.info for metric in searched),
            options.runs,
            options.generation,
            options.search_seed,
            halving,
        )

        def declare() -> Strategy:
            return Searches(
                study, preset, algorithms, options.precision, settings, store, options.optuna_storage
            )

    contents = store.contents()
    work = declare()
    kept = superseded.words(store, algorithms, study.data) if there and work.todo else ""
    store.check_writable()
    if work.todo:
        from trainables.engine import ahead, rehearsal

        rehearsal.check(work.examples())
        datasets.find(study.data).prepare(lambda line: console.print(f"prepare   {line}"))
        parts = outside.of(study, algorithms)
        ray()
        from trainables.networks import precision

        if options.address == "local":
            ahead.compile_ahead(work.examples())
        slots = ray().result()

        precision.check(options.precision, slots.device)
        require(parts, slots)
    store.create(study.name, study.question, options.precision, searched=sampler != "grid", data=study.data,
                 targets=study.targets, limits=study.limits, smallest_differences=study.smallest_differences, default=study.default,
                 looks=work.looks, hyper_parameters=study.columns, algorithms=algorithms, further=study.metrics,
                 headline=study.headline, sections=study.sections, published=study.published, space=study.space)  # fmt: skip
    kept_models.prepare(store, options.keep)
    with contextlib.ExitStack() as held:
        if slots:
            store.token = held.enter_context(lease.take(store.filesystem, store.path))
            held.enter_context(stopped_by_sigterm(store.token, console))
            if store.contents() != contents:  # somebody else has trained in the meantime
                work = declare()
        return notify.told(
            options.notify, work, ending, lambda: carry_out(work, slots, record, ending, kept, options.keep)
        )


def check_stored_metrics(store: Store) -> None:
    """Raises SchemaError where a metric of the stored rows is not here: those that are trained now would lack it."""
    for metric in store.manifest.metrics:
        try:
            metrics.find(metric.path or metric.name)
        except ValueError as error:
            raise SchemaError(f"{store.uri} holds the metric {metric.name}, which is not here ({error}); install its package, or "
                              "choose another --results") from error  # fmt: skip


def until_decided(study: Study, preset: Preset, declared: Grid, store: Store) -> DecidedGrid:
    """The declared runs, as far as it takes to decide what the study asks."""
    from sweeps.strategies.decided import DecidedGrid

    return DecidedGrid(study, preset, declared, store)


def say_left_out(before: Space, after: Space, who: str, console: Console) -> None:
    """Names the dimensions that a space has lost, since no part has them any more."""
    if gone := [name for name in before if name not in after]:
        console.print(f"left out  {', '.join(gone)}: no {who} {'it' if len(gone) == 1 else 'them'}")


def check_until(until: str, sampler: str, halving: Halving | None) -> None:
    """Raises ValueError where training cannot end when this is so."""
    if until != "decided":
        raise ValueError(f"--until must be decided, got {until!r}")
    if sampler != "grid" or halving:
        other = "--halving" if halving else f"--search {sampler}"
        raise ValueError(
            f"--until must be left out with {other}, which chooses runs by their results, got {until}"
        )


def surely_declared(study: Study, preset: Preset, known: Mapping[str, Mapping[str, Any]]) -> int:
    """Number of runs that the study declares, told without its data and objectives; 0 where it is not said which it compares.

    Args:
        study, preset: the study.
        known: as `Manifest.own`, which tells algorithms without λ; of a study without a run it does not matter.
    """
    if study.algorithms == ALL:
        return 0
    trained = sum(
        len(set(preset.lambdas)) if "lam" in known.get(name, ("lam",)) else 1
        for name in set(study.algorithms)
    )
    return len(study.subset(preset.limit)) * preset.seeds * trained
