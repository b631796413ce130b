"""The one command line of every study: what happens from declaration to report."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from result_files import below
from result_schema import Outcome, SchemaError, read_runs
from sweeps import lease, planning, schedule
from sweeps.cluster import ClusterError, Slots, connect
from sweeps.halving import METRICS
from sweeps.lease import Fenced, Lease
from sweeps.masking import masked
from sweeps.options import Options, halving_of, parse
from sweeps.optuna_search import Settings
from sweeps.refusal import check_uri, refuse
from sweeps.staged import HalvedGrid, SearchWork
from sweeps.store import Store
from sweeps.study import Preset, Study
from sweeps.termination import stopped_by_sigterm
from sweeps.tracking import check_tracking, is_default, resolve_tracking_uri, start_follower
from sweeps.work import GridWork, Work
from trainables import datasets, precision

MIRROR_PATIENCE = 300.0
"""Seconds to wait at the end for a mirror that is still busy; what is left can be mirrored later."""

LAST_SECONDS = 3.0
"""Seconds that the mirror has after SIGTERM, whose sender will not wait long; what is left can be mirrored later."""

INTERRUPTED = 130
TERMINATED = 143


def main(study: Study, arguments: Sequence[str] | None = None, description: str | None = None) -> None:
    """Run a study from the command line. Exit code 2 and one line on bad input, 130 on Ctrl-C."""
    options = parse(study, arguments, description)
    console = Console(soft_wrap=True, highlight=False)
    try:
        code = run(study, options, console)
    except (ValueError, SchemaError, ClusterError, Fenced) as error:
        refuse(str(error))
    except OSError as error:
        console.print(
            f"error: {masked(str(error))}; what is stored is whole: give the same command again to continue"
        )
        code = 1
    except KeyboardInterrupt:
        console.print("\nInterrupted. Finished runs are stored; give the same command again to continue.")
        code = INTERRUPTED
    sys.exit(code)


def run(study: Study, options: Options, console: Console) -> int:
    """Train what is declared and not stored, mirror it, report it; returns the exit code.

    Raises:
        ValueError, SchemaError, ClusterError: bad input; nothing was written.
    """
    preset = study.preset(
        options.preset,
        lambdas=options.lambdas,
        seeds=options.seeds,
        iterations=options.iterations,
        limit=options.limit,
    )
    if options.data is not None and options.data != study.data:
        datasets.find(options.data)
        study = replace(study, name=f"{study.name}-{options.data}", data=options.data)
    sampler = options.search or study.search
    if sampler != study.search == "grid":  # what a sampler chose must not get into the grid's histograms
        study = replace(study, name=f"{study.name}-search")
    tracking_uri = resolve_tracking_uri(options.tracking_uri)
    check_uri("--results", options.results)
    store = Store(below(options.results, study.name))
    store.check(study.name, options.precision)
    metrics = tuple(METRICS) if sampler == "nsga2" else options.metrics
    halving = halving_of(options, sampler, metrics, preset.iterations)
    if sampler == "grid":
        declared = study.declared(preset, options.algorithms, options.precision)
        if options.dry_run or options.simulate is not None:
            missing = planning.missing(declared, store.finished())
            simulated = schedule.table(missing, options.simulate) if options.simulate else ""
            describe(len(declared), missing, console)
            if halving:
                console.print(f"halving   {HalvedGrid(declared, halving, store).plan()}")
            console.print(simulated, end="")
            return 0

        def declare() -> Work:
            return HalvedGrid(declared, halving, store) if halving else GridWork(declared, store.finished())

    else:
        of_grids = {"--dry-run": options.dry_run, "--simulate": options.simulate, "--limit": options.limit, "--seeds": options.seeds}  # fmt: skip
        for option, value in of_grids.items():
            if value is not None and value is not False:
                raise ValueError(
                    f"{option} must be left out with --search {sampler}: it is of a grid, got {value}"
                )
        settings = Settings(sampler, metrics, options.runs, options.generation, options.search_seed, halving)
        algorithms = options.algorithms or study.algorithms

        def declare() -> Work:
            return SearchWork(
                study, preset, algorithms, options.precision, settings, store, options.optuna_storage
            )

    before = store.contents()
    work = declare()
    store.check_writable()
    slots = None
    if work.todo:
        lease.refuse(store.filesystem, store.path)  # now rather than when Ray is there
        slots = connect(options.address, options.scale_to)
        precision.check(options.precision, slots.device)
    store.create(study.name, study.question, options.precision, searched=sampler != "grid", data=study.data)
    with contextlib.ExitStack() as held:
        if slots:
            store.token = held.enter_context(lease.take(store.filesystem, store.path))
            held.enter_context(stopped_by_sigterm(store.token, console))
            if store.contents() != before:  # somebody else has trained in the meantime
                work = declare()
        return carry_out(study, work, store, slots, preset, tracking_uri, console)


def carry_out(
    study: Study,
    work: Work,
    store: Store,
    slots: Slots | None,
    preset: Preset,
    tracking_uri: str,
    console: Console,
) -> int:
    """Train it on these slots, if there is something to train, mirror it and report it; returns the exit code."""
    console.print(
        f"{study.name}: {work.declared} runs declared, {work.declared - work.todo} stored, {work.todo} to train"
    )
    warning = check_tracking(tracking_uri)
    if warning:
        console.print(f"warning: {warning}")
    follower = start_follower(store.uri, tracking_uri)
    errors = work.train(store, slots, console) if slots and work.todo else []
    if isinstance(store.token, Lease) and store.token.stopping.is_set():
        follower.finish(LAST_SECONDS)
        stored = len(store.finished())
        console.print(f"stopped   {stored} runs are finished, those in training are kept as far as they came; "
                      "give the same command again to continue")  # fmt: skip
        return TERMINATED
    reported = report(store, preset.iterations)
    mirrored = follower.finish(MIRROR_PATIENCE)
    return conclude(study, work, store, errors, reported, mirrored.message, tracking_uri, console)


def describe(declared: int, todo: planning.Missing, console: Console) -> None:
    """What a study would do here, and what it would cost."""
    cores = os.cpu_count() or 1
    plans = planning.cut(todo, cores)
    here = schedule.simulate([plan.seconds for plan in plans], cores)
    console.print(f"runs      {declared} declared, {declared - len(todo)} stored, {len(todo)} to train")
    sizes = [len(plan) for plan in plans]
    console.print(f"cohorts   {len(plans)}" + (f" of {min(sizes)} to {max(sizes)} runs" if sizes else ""))
    console.print(
        f"cost      about {here.ideal * cores / 60:.1f} core-minutes; "
        f"{here.makespan / 60:.1f} minutes on the {cores} cores here"
    )


def report(store: Store, iterations: int) -> str | None:
    """Rebuild the report from the rows, in a process that loads neither torch nor Ray; None if done, else why not."""
    command = [sys.executable, "-m", "analysis.report", store.uri, "--iterations", str(iterations)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def conclude(
    study: Study,
    work: Work,
    store: Store,
    errors: Sequence[str],
    report_error: str | None,
    mirrored: str,
    tracking_uri: str,
    console: Console,
) -> int:
    """The last lines: what is stored, where the report is, how to look at the runs, how to go on."""
    rows = read_runs(store.uri)
    stored = dict(zip(rows["run_key"].to_pylist(), rows["outcome"].to_pylist(), strict=True))
    counts = Counter(stored[key] for key in work.run_keys() if key in stored)
    words = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
    console.print(f"stored    {counts.total()} of {work.declared} runs: {words or 'none'}")
    console.print(f"MLflow    {mirrored}")
    if report_error:
        console.print(f"report    failed: {report_error}; try: python -m analysis.report {store.uri}")
    else:
        console.print(f"report    {below(store.uri, 'report/report.html')}")
    default = is_default(tracking_uri)
    uri = masked(tracking_uri)
    ui = f"make ui STUDY={study.name}" if default else f"python -m sweeps.ui --tracking-uri {uri}"
    console.print(f"look      {ui}   (python -m sweeps.ui --study {study.name})")
    work.conclude(console)
    for error in errors[:3]:
        console.print(f"failed    {error}")
    unfinished = work.unfinished(stored)
    if unfinished:
        console.print(
            f"continue  {unfinished} runs are not finished; give the same command again to train them"
        )
        return 1 if errors or counts[Outcome.FAILED] else INTERRUPTED
    return 1 if report_error else 0
