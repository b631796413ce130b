"""Mirror a study's rows to MLflow: one flat run per row, told apart by `run_key`, and one for the report.

    python -m sweeps.mirror results/toy_robustness              what is not there yet, then exit
    python -m sweeps.mirror results/toy_robustness --follow     rows as they are stored, until stopped

The rows are the truth. Called twice it adds nothing; a lost MLflow store is rebuilt; runs whose writing
was cut off, that stand there twice, or whose row was superseded by a better one are replaced.
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
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import tyro

import command_output
from result_schema import SchemaError
from sweeps import command_line, mirror_record
from sweeps.mirrored import StudyRows, copy_report, run_content, version
from sweeps.tracking import (
    NOT_MIRRORED,
    MirrorResult,
    mirror_command,
    mirrored_message,
    resolve_tracking_uri,
)
from sweeps.ui import view_tags

if TYPE_CHECKING:
    from sweeps.mlflow_store import ExperimentStore

POLL_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0
LAST_ATTEMPTS = 2
"""Failures in a row without any progress after which a mirror that is to stop gives up."""


class Mirror:
    """What MLflow holds of one study, and the steps that make it equal to the rows."""

    def __init__(self, rows: StudyRows, uri: str) -> None:
        self.rows = rows
        self.added = 0
        self._uri = uri
        self._store: ExperimentStore | None = None
        self._present: dict[str, tuple[str, str]] = {}  # run key -> id in MLflow, version of its row
        self._report: tuple[str, str] | None = None  # id in MLflow, digest of its files

    @property
    def remaining(self) -> list[str]:
        """Keys of the stored runs that are not in MLflow as their row says."""
        return [key for key, row in self.rows.versions.items() if self._present.get(key, ("", ""))[1] != row]

    def step(self, *, report: bool = False) -> None:
        """Mirror what is stored and not in MLflow yet. Raises TrackingError and OSError: call again later."""
        from sweeps.mlflow_store import ExperimentStore

        self.rows.refresh()
        if self._store is None:
            self._store = ExperimentStore(self._uri, self.rows.manifest.study)
            self._list()
        try:
            for row, curve in self.rows.select(self.remaining):
                run_key = row["run_key"]
                if run_key in self._present:
                    self._store.delete(self._present.pop(run_key)[0])
                run_id = self._store.write(run_content(row, curve, self.rows.manifest))
                self._present[run_key] = (run_id, version(row["outcome"], row["finished_at"]))
                self.added += 1
            if report:
                self._mirror_report()
        except Exception:
            self._store = None  # what got through is unknown, so look again before going on
            raise

    def _list(self) -> None:
        """Learn what is in MLflow, and delete runs that were cut off or are there twice."""
        assert self._store is not None
        self._present, self._report = {}, None
        for run in list(self._store.runs()):
            tags = run.tags
            if tags.get("kind") == "report":
                if self._report is None:
                    self._report = (run.run_id, tags.get("content", "") if run.complete else "")
                else:
                    self._store.delete(run.run_id)
            elif "run_key" in tags:
                if run.complete and tags["run_key"] not in self._present:
                    row = version(tags.get("outcome", ""), tags.get("finished_at", ""))
                    self._present[tags["run_key"]] = (run.run_id, row)
                else:
                    self._store.delete(run.run_id)
        self._store.describe(view_tags(self.rows.manifest))

    def _mirror_report(self) -> None:
        assert self._store is not None
        with copy_report(self.rows.directory) as (folder, digest):
            if digest and (self._report is None or self._report[1] != digest):
                run_id = self._report[0] if self._report else None
                tags = {"kind": "report", "content": digest}
                self._store.write_artifacts(run_id, "report", folder, tags)


def mirror(directory: str, uri: str, stop: threading.Event) -> MirrorResult:
    """Mirror a study until `stop` is set, and then what is left; at once when it is set already.

    Failures of MLflow or of the storage are tried again, ever more slowly. Raises SchemaError when
    `directory` is not a study's.
    """
    rows = StudyRows(directory)
    _await_rows(rows, stop)
    from sweeps.mlflow_store import TrackingError, try_lock

    work = Mirror(rows, uri)
    where = f"{rows.manifest.study} in MLflow at {uri}"
    failure, failures, added, pause, inputs = "", 0, 0, POLL_SECONDS, ""
    # Two mirrors of one study would both add what they find missing.
    while (lock := try_lock(f"{uri} {rows.manifest.study}")) is None:
        if stop.wait(POLL_SECONDS):
            return MirrorResult(False, f"another mirror of {where} is at work; "
                                       f"when it is done, see what remains with: {mirror_command(directory, uri)}")  # fmt: skip
    with lock:
        while True:
            last = stop.is_set()  # read before the rows, so that no row stored before it is missed
            try:
                inputs = mirror_record.inputs(directory) if last else ""
                work.step(report=last)
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
    total, left = len(rows.versions), len(work.remaining)
    if failure:
        what = f"{left:,} of {total:,} runs" if left else "the report"
        return MirrorResult(False, f"not mirrored: {what} of {where} ({failure}); "
                                   f"mirror later with: {mirror_command(directory, uri)}")  # fmt: skip
    mirror_record.keep(directory, uri, inputs, total)
    return MirrorResult(True, mirrored_message(work.added, total, rows.manifest.study, uri))


def _await_rows(rows: StudyRows, stop: threading.Event) -> None:
    """Leave the cores to a study that begins: MLflow is loaded once there is something to tell it."""
    with contextlib.suppress(OSError):
        while not rows.files() and not stop.wait(1.0):
            pass


def _stop_requests() -> threading.Event:
    """An event set by SIGTERM, Ctrl-C, or the end of the process that started this one with a pipe."""
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
    follow: bool = False
    """Go on mirroring rows as they are stored, until SIGTERM or Ctrl-C, then finish."""


def main(options: Options) -> int:
    """Run the command; returns its exit code."""
    stop = threading.Event()
    if options.follow:
        os.nice(19)  # training goes first, whose workers Ray gives 15
        stop = _stop_requests()
    else:
        stop.set()
    try:
        result = mirror(options.results, resolve_tracking_uri(options.tracking_uri), stop)
    except (SchemaError, ValueError, OSError, pa.ArrowException) as error:
        print(f"sweeps.mirror: {error}", file=sys.stderr)
        return 2
    print(result.message, flush=True)
    gc.freeze()  # else Python looks all of MLflow through for cycles before it ends
    return 0 if result.complete else NOT_MIRRORED


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main(command_line.read(Options, "python -m sweeps.mirror", __doc__ or "")))
