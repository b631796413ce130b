"""Mirror a study's rows to MLflow: one flat run per row, told apart by `run_key`, and one for the report.

Runs of image data that the report shows, of each algorithm and λ the best, the median and the worst, have their pictures, and
the tag `exemplar`, which finds them: `tags.exemplar LIKE '%best%'`. That is done last, since they change while a study trains.

    python -m sweeps.tracking.mirror results/toy_robustness              what is not there yet, then exit
    python -m sweeps.tracking.mirror results/toy_robustness --follow     rows as they are stored, until stopped

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import tyro

import command_output
from result_pictures import read_pictures
from result_schema import Outcome, SchemaError
from sweeps.console import command_line
from sweeps.console.errors import check_given
from sweeps.console.masking import masked
from sweeps.tracking import exemplars, mirror_record, model_mirror
from sweeps.tracking.contents import StudyRows, copy_report, milliseconds, run_content, version
from sweeps.tracking.follower import (
    NOT_MIRRORED,
    MirrorResult,
    mirror_command,
    mirrored_message,
    resolve_tracking_uri,
)
from sweeps.tracking.ui import view_tags

if TYPE_CHECKING:
    from sweeps.tracking.mlflow_store import ExperimentStore, StoredRun

POLL_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0
LAST_ATTEMPTS = 2
"""Successive failures without progress after which a stopping mirror gives up."""


@dataclass(frozen=True)
class Present:
    """A run in MLflow.

    Attributes:
        run_id: its id there.
        row: version of the row that it shows.
        own: whether it may be this directory's, and so is its mirror's to delete.
        exemplar: ranks for which it has pictures; '' where it has none.
    """

    run_id: str
    row: str
    own: bool
    exemplar: str = ""


class Mirror:
    """Runs of one study in MLflow, and the steps that make them equal to the rows."""

    def __init__(self, rows: StudyRows, uri: str) -> None:
        self.rows = rows
        self.added = 0
        self._uri = uri
        self._store: ExperimentStore | None = None
        self._present: dict[str, Present] = {}  # by run key
        self._report: tuple[str, str] | None = None  # id in MLflow, digest of its files

    @property
    def remaining(self) -> list[str]:
        """Keys of the stored runs whose MLflow run is missing or differs from the row."""
        there = {key: present.row for key, present in self._present.items()}
        return [key for key, row in self.rows.versions.items() if there.get(key) != row]

    def step(self, *, report: bool = False) -> None:
        """Mirrors rows that are not in MLflow yet. Raises TrackingError and OSError: call again later."""
        from sweeps.tracking.mlflow_store import ExperimentStore

        self.rows.refresh()
        if self._store is None:
            self._store = ExperimentStore(self._uri, self.rows.manifest.study)
            self._list()
        try:
            self._write(self.remaining)
            if report:
                self._mirror_report()
        except Exception:
            self._store = None  # what got through is unknown, so look again before going on
            raise

    def _write(self, run_keys: Sequence[str]) -> None:
        """Writes these runs from their rows, in place of those that are there."""
        assert self._store is not None
        for row, curve in self.rows.select(run_keys):
            run_key = row["run_key"]
            superseded = self._present.pop(run_key, None)
            if superseded and superseded.own:
                self._store.delete(superseded.run_id)
            content = run_content(row, curve, self.rows.manifest)
            run_id = self._store.write(replace(content, tags={**content.tags, **self.rows.origin}))
            self._present[run_key] = Present(run_id, version(row["outcome"], row["finished_at"]), own=True)
            self.added += 1

    def _list(self) -> None:
        """Lists the runs in MLflow, and deletes interrupted and duplicate ones.

        A run of a row that is stored here stands for it, whatever directory it was mirrored from: that may have been copied.
        """
        assert self._store is not None
        self._present, self._report = {}, None
        ours = ("", self.rows.origin["origin"])  # runs written before there were origins have none
        reports = []
        for run in list(self._store.runs()):
            own = run.tags.get("origin", "") in ours
            if run.tags.get("kind") == "report" and own:
                reports.append(run)
            elif "run_key" in run.tags:
                self._list_run(run, own)
        for run in sorted(reports, key=lambda run: "origin" not in run.tags):
            if self._report is None:
                self._report = (run.run_id, run.tags.get("content", "") if run.complete else "")
            elif "origin" in run.tags:
                self._store.delete(run.run_id)
        self._store.describe(view_tags(self.rows.manifest))

    def _list_run(self, run: StoredRun, own: bool) -> None:
        assert self._store is not None
        key, row = run.tags["run_key"], version(run.tags.get("outcome", ""), run.tags.get("finished_at", ""))
        known, stored = self._present.get(key), self.rows.versions.get(key) == row
        # Of a run without origin nobody knows whose it is, but a FAILED or STOPPED one makes way for one that went further.
        ours = own and ("origin" in run.tags or run.tags.get("outcome") in (Outcome.FAILED, Outcome.STOPPED))
        if not run.complete:
            if own:
                self._store.delete(run.run_id)
        elif stored and (known is None or known.row != row):
            if known and known.own:
                self._store.delete(known.run_id)
            self._present[key] = Present(run.run_id, row, own, run.tags.get(exemplars.TAG, ""))
        elif ours and known is None:
            self._present[key] = Present(run.run_id, row, own, run.tags.get(exemplars.TAG, ""))
        elif own and (stored or ours):
            self._store.delete(run.run_id)

    def _mirror_report(self) -> None:
        assert self._store is not None
        with copy_report(self.rows.directory) as (folder, digest):
            if digest and (self._report is None or self._report[1] != digest):
                run_id = self._report[0] if self._report else None
                tags = {"kind": "report", "content": digest, **self.rows.origin}
                self._store.write_artifacts(run_id, "report", folder, tags)
            ranks = exemplars.ranks(folder) if digest else None
        if ranks is not None:
            self._mirror_pictures(ranks)
        own = {key: present.run_id for key, present in self._present.items() if present.own}
        model_mirror.mirror_models(self.rows, self._store, own)

    def _mirror_pictures(self, ranks: Mapping[str, str]) -> None:
        """Gives pictures to the runs that the report shows, and takes them from the others, whose runs are written anew.

        Args:
            ranks: run key -> what the report shows the run for.
        """
        assert self._store is not None
        ours = {key: present for key, present in self._present.items() if present.own}
        self._write([key for key, present in ours.items() if present.exemplar and key not in ranks])
        new = [key for key in ranks if key in ours and not ours[key].exemplar]
        pictures = read_pictures(self.rows.directory, new)
        for row, _ in self.rows.select([key for key in new if key in pictures]):
            key = row["run_key"]
            manifest = self.rows.manifest
            drawn = exemplars.images(pictures[key], manifest.shape, manifest.ink)
            tags, finished = {exemplars.TAG: ranks[key]}, milliseconds(row["finished_at"])
            self._store.write_images(ours[key].run_id, drawn, row["iterations"], finished, tags)
            self._present[key] = replace(ours[key], exemplar=ranks[key])
        for key, rank in ranks.items():
            if key in ours and ours[key].exemplar not in ("", rank):
                self._store.tag(ours[key].run_id, {exemplars.TAG: rank})
                self._present[key] = replace(ours[key], exemplar=rank)


def mirror(directory: str, uri: str, stop: threading.Event) -> MirrorResult:
    """Mirrors a study until `stop` is set, and then the remaining rows; at once if it is set already.

    Failures of MLflow or of the storage are tried again, ever more slowly. Raises SchemaError when
    `directory` is not a study's.
    """
    rows = StudyRows(directory)
    _await_rows(rows, stop)
    from sweeps.tracking.mlflow_store import TrackingError, try_lock

    work = Mirror(rows, uri)
    where = f"{rows.manifest.study} in MLflow at {masked(uri)}"
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
        what = f"{left:,} of {total:,} runs" if left else "the report or its pictures"
        return MirrorResult(False, f"not mirrored: {what} of {where} ({failure}); "
                                   f"mirror later with: {mirror_command(directory, uri)}")  # fmt: skip
    mirror_record.keep(directory, uri, inputs, total)
    return MirrorResult(True, mirrored_message(work.added, total, rows.manifest.study, uri))


def _await_rows(rows: StudyRows, stop: threading.Event) -> None:
    """Waits before MLflow is loaded until there are rows, so that a study that begins has the cores."""
    with contextlib.suppress(OSError):
        while not rows.files() and not stop.wait(1.0):
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
        result = mirror(options.results, resolve_tracking_uri(options.tracking_uri), stop)
    except (SchemaError, ValueError, OSError, pa.ArrowException) as error:
        print(f"sweeps.tracking.mirror: {masked(' '.join(str(error).split()))}", file=sys.stderr)
        return 2
    print(result.message, flush=True)
    gc.freeze()  # else Python looks all of MLflow through for cycles before it ends
    return 0 if result.complete else NOT_MIRRORED


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main(command_line.read(Options, "python -m sweeps.tracking.mirror", __doc__ or "")))
