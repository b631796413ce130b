"""The end of a study's command: report, the rest of the mirror, and a summary that says how to go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

import result_digests
from result_files import below
from result_manifest import SchemaError
from result_schema import Outcome
from sweeps.cli.reporting import Reported, Reporting
from sweeps.console.masking import masked
from sweeps.execution.cluster import disconnect
from sweeps.planning.slots import Slots
from sweeps.store import folding
from sweeps.store.lease import Lease
from sweeps.store.store import Store
from sweeps.strategies.base import Strategy
from sweeps.strategies.settled import Record
from sweeps.tracking import mirror_record
from sweeps.tracking.follower import (
    Follower,
    MirrorResult,
    check_tracking,
    is_default,
    mirrored_message,
    start_follower,
)

MIRROR_PATIENCE = 300.0
"""Seconds to wait at the end for a mirror that is still busy; what is left can be mirrored later."""

INTERRUPTED = 130
TERMINATED = 143

Ended = Callable[[], tuple[Reported, MirrorResult]]
"""Waits for the report and the mirror, and returns how they ended."""


def ui_command(study: str, tracking_uri: str) -> str:
    """Command that shows the study's runs in the MLflow UI; in a checkout of this project also the shorter one."""
    if not is_default(tracking_uri):
        return f"python -m sweeps.tracking.ui --study {study} --tracking-uri {masked(tracking_uri)}"
    command = f"python -m sweeps.tracking.ui --study {study}"
    return f"make ui STUDY={study}   ({command})" if Path("sweeps/tracking/ui.py").is_file() else command


@dataclass(frozen=True)
class Ending:
    """The end of one call of a study.

    Attributes:
        study: its name.
        store: where its rows are.
        iterations: the budget to report.
        tracking_uri: where it is mirrored to, resolved.
        mirror: what of it is, one of `selection.POLICIES`.
        console: for all that is said.
    """

    study: str
    store: Store
    iterations: int
    tracking_uri: str
    mirror: str
    console: Console

    def known(self, sampler: str | None) -> MirrorResult | None:
        """The result of mirroring, where the report and the mirror are known to be as they would be made; else None."""
        known = mirror_record.recall(self.store.uri, self.tracking_uri, self.mirror)
        if known is None or not result_digests.report_is_current(self.store.uri, self.iterations, sampler):
            return None
        return MirrorResult(True, mirrored_message(0, known, self.study, self.tracking_uri))

    def follow(self, declared: int) -> Follower:
        """Start to mirror rows as they are stored; a warning where that cannot work just now.

        declared: number of runs that the study will have.
        """
        warning = check_tracking(self.tracking_uri)
        if warning:
            self.console.print(f"warning: {warning}")
        return start_follower(self.store.uri, self.tracking_uri, self.mirror, declared)

    def fold(self) -> None:
        """Folds the files that training left, if they are many and it was not told to stop; a warning where that cannot be done."""
        if isinstance(token := self.store.token, Lease) and not token.stopping.is_set():
            try:
                folding.fold(self.store, folding.LET_BE)
            except (OSError, SchemaError) as error:
                self.console.print(f"warning: files are not folded: {masked(str(error))}; rows are whole, and read more slowly; "
                                   f"try: python -m sweeps.store.compact {self.store.uri}", markup=False)  # fmt: skip

    def finish(self, follower: Follower, slots: Slots | None, sampler: str | None) -> Ended:
        """Report what the sampler proposed, mirror the rest and leave Ray, side by side; what waits for the first two."""
        reporting = Reporting(self.store, self.iterations, sampler)
        if slots:
            disconnect(slots)

        def ended() -> tuple[Reported, MirrorResult]:
            reported = reporting.finish()
            return reported, follower.finish(MIRROR_PATIENCE)

        return ended

    def conclude(
        self,
        work: Strategy,
        record: Record | None,
        errors: Sequence[str],
        sampler: str | None,
        ended: Ended,
    ) -> int:
        """The last lines: what is stored, where the report is, how to look at the runs, how to go on.

        Args:
            work, record: what was to be done, and remembers that it is.
            errors: of cohorts that were lost.
            sampler: whose rows are reported.
            ended: waits for report and mirror; the rows are counted meanwhile.
        """
        say, uri = self.console.print, self.store.uri
        state = record.rows() if record else ""
        stored = work.stored(self.store)
        counts, unfinished = work.outcomes(stored), work.unfinished(stored)
        reported, mirrored = ended()
        words = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
        say(f"stored    {counts.total()} of {work.declared} runs: {words or 'none'}")
        say(f"MLflow    {mirrored.message}")
        if reported.error:
            say(f"report    failed: {reported.error}; try: python -m analysis.report {uri}", markup=False)
        else:
            say(f"report    {below(uri, 'report/report.html')}")
        for failure in reported.failures:
            say(
                f"missing   {failure}; the report has all else; try: python -m analysis.report {uri}",
                markup=False,
            )
        say(f"look      {ui_command(self.study, self.tracking_uri)}")
        work.conclude(self.console)
        for error in errors[:3]:
            say(f"failed    {error}")
        if unfinished:
            first = "remove the cause above, then " if errors else ""
            say(
                f"continue  {unfinished} runs are not finished; {first}give the same command again to train them"
            )
            return 1 if errors or counts[Outcome.FAILED] else INTERRUPTED
        if record:
            record.keep(state, counts, sampler)
        return 0 if reported.whole else 1
