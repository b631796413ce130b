"""Mirror a study's rows to MLflow: one flat run per row, told apart by `run_key`, and one for the report.

Runs that the report shows, of each algorithm and λ the best, the median and the worst, have pictures of what they generate, and
the tag `exemplar`, which finds them: `tags.exemplar LIKE '%best%'`. Summary runs, `tags.kind = 'summary'`, have the report's medians
of each algorithm and λ. Both are written last, since they change while a study trains.

    python -m sweeps.tracking.mirror results/toy_robustness              what is not there yet, then exit
    python -m sweeps.tracking.mirror results/toy_robustness --follow     rows as they are stored, until stopped

Of a study of more than 20,000 runs MLflow gets a part (`--mirror`, `selection.py`): a sample of every 2nd, 4th, … run by configuration and
seed, which is the same whenever and however often it is drawn; every run that diverged or failed; at the end the best, median and worst
run of each algorithm and λ, and for each configuration a run with means over its seeds. A run that is in MLflow stays
there, and follows its row, also if it is no longer the best, or the sample has become smaller.

The rows are the truth. Called twice it adds nothing; a lost MLflow store is rebuilt; runs whose writing
was cut off, that stand there twice, or whose row was superseded by a better one are replaced. Two directories
of one study stand beside each other: a run has the tags `results` and `origin`, and no mirror removes another's.
Exit codes: 0 everything is in MLflow, 2 bad input, 3 rows remain (one line says how to go on).
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import stat
import sys
import threading
import time
from dataclasses import dataclass
from types import FrameType
from typing import Annotated

import pyarrow as pa
import tyro

import command_output
from result_manifest import SchemaError
from sweeps.console import command_line
from sweeps.console.errors import check_given
from sweeps.console.masking import masked
from sweeps.tracking import mirror_record
from sweeps.tracking.follower import (
    AUTO,
    NOT_MIRRORED,
    MirrorResult,
    mirror_command,
    mirrored_message,
    resolve_tracking_uri,
)
from sweeps.tracking.mirror_record import Known
from sweeps.tracking.mirrored_runs import Mirror
from sweeps.tracking.selection import POLICIES
from sweeps.tracking.study_rows import StudyRows
from sweeps.tracking.writing.locks import try_lock

POLL_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0
LAST_ATTEMPTS = 2
"""Successive failures without progress after which a stopping mirror gives up."""


def mirror(
    directory: str,
    uri: str,
    stop: threading.Event,
    *,
    policy: str = AUTO,
    declared: int = 0,
    trusting: bool = False,
) -> MirrorResult:
    """Mirrors a study until `stop` is set, and then the remaining rows; at once if it is set already.

    Failures of MLflow or of the storage are tried again, ever more slowly. Raises SchemaError when
    `directory` is not a study's, ValueError where there is no such policy.

    Args:
        policy, declared: what is mirrored, and the number of runs to come, as in `StudyRows`.
        trusting: as in `Mirror`.
    """
    rows = StudyRows(directory, policy, declared)
    _await_rows(rows, stop)
    from sweeps.tracking.mlflow_store import TrackingError

    work, command = Mirror(rows, uri, trusting=trusting), mirror_command(directory, uri, policy)
    where = f"{rows.manifest.study} in MLflow at {masked(uri)}"
    failure, failures, added, pause, known = "", 0, 0, POLL_SECONDS, None
    # Two mirrors of one study would both add what they find missing.
    while (lock := try_lock(f"{uri} {rows.manifest.study}")) is None:
        if stop.wait(POLL_SECONDS):
            return MirrorResult(False, f"another mirror of {where} is at work; "
                                       f"when it is done, see what remains with: {command}")  # fmt: skip
    with contextlib.closing(lock):
        while True:
            last = stop.is_set()  # read before the rows, so that no row stored before it is missed
            try:
                inputs = mirror_record.inputs(directory) if last else ""
                known = work.current(inputs) if last else None
                if known is None:
                    work.step(report=last)
                if last and known is None:
                    known = Known(inputs, policy, work.runs, work.there, rows.selection.words())
                    work.keep(known)
                failure, failures, pause = "", 0, POLL_SECONDS
            except (TrackingError, OSError, pa.ArrowException) as error:
                failure, failures = str(error), (failures + 1 if work.added == added else 1)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            added = work.added
            if last and (not failure or failures >= LAST_ATTEMPTS):
                break
            if last:
                time.sleep(1.0)
            else:
                stop.wait(pause)
    if known is None:
        with contextlib.suppress(OSError, pa.ArrowException):
            rows.refresh()  # where MLflow was never reached, no row was read
        total, left = len(rows.versions), len(work.remaining)
        what = f"{left:,} of {total:,} runs" if left else "the report or what stands for several runs"
        return MirrorResult(False, f"not mirrored: {what} of {where} ({failure}); "
                                   f"mirror later with: {command}")  # fmt: skip
    mirror_record.keep(directory, uri, known)
    return MirrorResult(True, mirrored_message(work.added, known, rows.manifest.study, uri))


def _await_rows(rows: StudyRows, stop: threading.Event) -> None:
    """Waits before MLflow is loaded until there are rows, so that a study that begins has the cores."""
    with contextlib.suppress(OSError):
        while rows.empty() and not stop.wait(1.0):
            pass


def _stop_requests() -> threading.Event:
    """Event that is set by SIGTERM, Ctrl-C, or the end of the process that started this one with a pipe."""
    stop = threading.Event()

    def request(signum: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signum, signal.SIG_DFL)  # the second one ends it at once

    def watch(parent: int) -> None:
        # A SIGKILLed parent closes the pipe, unless a forked child of its own still holds it open
        while os.getppid() == parent:
            if select.select([0], [], [], 1.0)[0] and not os.read(0, 1024):
                break
        stop.set()

    signal.signal(signal.SIGTERM, request)
    signal.signal(signal.SIGINT, request)
    if stat.S_ISFIFO(os.fstat(0).st_mode):  # a terminal or /dev/null is a user's own `--follow`
        threading.Thread(target=watch, args=(os.getppid(),), daemon=True).start()
    return stop


@dataclass(frozen=True)
class Options:
    """Mirror a study's stored runs and report to MLflow; adds only what is not there yet."""

    results: Annotated[str, tyro.conf.Positional]
    """The study's results directory or URI, such as results/toy_robustness."""
    tracking_uri: str | None = None
    """MLflow's tracking URI; default MLFLOW_TRACKING_URI, else sqlite:///mlflow.db."""
    mirror: Annotated[str, tyro.conf.arg(metavar="{" + ",".join(POLICIES) + "}")] = AUTO
    """What is mirrored: all runs; a sample of them, with every run that diverged or failed and the best, median and worst; means over the seeds of each configuration; auto: all of up to 20,000 runs, of more sample+aggregates."""
    declared: int = 0
    """Number of runs that the study will have; the sample of one that still trains is then that of its end."""
    follow: bool = False
    """Go on mirroring rows as they are stored, until SIGTERM or Ctrl-C, then finish."""


def main(options: Options) -> int:
    """Runs the command; returns its exit code."""
    stop = threading.Event()
    if options.follow:
        os.nice(10)  # before the workers, which Ray gives 15: behind them all is left for the end
        stop = _stop_requests()
    else:
        stop.set()
    try:
        check_given(options)
        result = mirror(
            options.results,
            resolve_tracking_uri(options.tracking_uri),
            stop,
            policy=options.mirror,
            declared=options.declared,
            trusting=options.follow,
        )
    except (SchemaError, ValueError, OSError, pa.ArrowException) as error:
        print(f"sweeps.tracking.mirror: {masked(' '.join(str(error).split()))}", file=sys.stderr)
        return 2
    print(result.message, flush=True)
    gc.freeze()  # else Python looks all of MLflow through for cycles before it ends
    return 0 if result.complete else NOT_MIRRORED


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main(command_line.read(Options, "python -m sweeps.tracking.mirror", __doc__ or "")))
