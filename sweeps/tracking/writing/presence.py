"""Inventory of a study's runs in MLflow, listed once and known from then on.

After a failure only what was being written is asked for again, and a later process takes the list up where no mirror wrote in
between (`mirror_record.Kept`).
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from result_schema import Outcome
from sweeps.tracking import mirror_record
from sweeps.tracking.mirror_record import Kept, Known
from sweeps.tracking.shown import exemplars, medians
from sweeps.tracking.study_rows import StudyRows, version
from sweeps.tracking.summaries import KEY, KIND

if TYPE_CHECKING:
    from sweeps.tracking.mlflow_store import ExperimentStore, RunContent, StoredRun


@dataclass(frozen=True)
class Present:
    """A run in MLflow.

    Attributes:
        run_id: its id there.
        row: version of the row that it shows, of means the digest of what it shows.
        own: whether it may be this directory's, and so is its mirror's to delete.
        exemplar: ranks for which it has pictures; '' where it has none.
    """

    run_id: str
    row: str
    own: bool
    exemplar: str = ""


@dataclass(frozen=True)
class New:
    """A run to write.

    Attributes:
        key: by which it is known.
        row: as of `Present`.
        content: of the run.
        query: MLflow's search for it.
    """

    key: str
    row: str
    content: RunContent
    query: str


class Presence:
    """Runs of one study in MLflow.

    Args:
        rows: the study's.
        uri: MLflow's.
        trusting: whether a kept list is taken up; else MLflow is asked, and runs that were deleted there are written again.

    Attributes:
        runs: by run key.
        means: what stands for several runs, by its key.
        report: id and digest of the files of the report's run, if there is one.
        added: number of runs that were written.
        kept: the kept list, as long as it is true.
    """

    def __init__(self, rows: StudyRows, uri: str, *, trusting: bool) -> None:
        self.rows, self.added = rows, 0
        self.runs: dict[str, Present] = {}
        self.means: dict[str, Present] = {}
        self.report: tuple[str, str] | None = None
        self.kept: Kept | None = None
        self._uri, self._trusting = uri, trusting
        self._store: ExperimentStore | None = None
        self._experiment = ""  # whose runs are known
        self._untaken: deque[StoredRun] = deque()  # listed, and not taken in yet
        self._doubtful: tuple[str, ...] = ()  # queries for what is being written

    @property
    def store(self) -> ExperimentStore:
        """The connected store."""
        assert self._store is not None
        return self._store

    @property
    def untaken(self) -> set[str]:
        """Keys of listed runs that are not taken in."""
        return {run.tags.get("run_key", "") for run in self._untaken}

    def connect(self) -> None:
        """Connects, if there is no connection, and lists runs whose state is not known."""
        from sweeps.tracking.mlflow_store import ExperimentStore

        if self._store is not None:
            return
        store = ExperimentStore(self._uri, self.rows.manifest.study)
        if self._experiment != store.identity:
            self.runs, self.means, self.report, self._untaken = {}, {}, None, deque()
            self.kept = mirror_record.recall_list(self.rows.directory, self._uri) if self._trusting else None
            true = (store.identity, store.mark(self._name))
            if self.kept and (self.kept.experiment, self.kept.mark) == true:
                self.runs, self.means = _unpacked(self.kept.runs), _unpacked(self.kept.means)
                self.report = self.kept.report
            else:
                self.kept, self._untaken = None, deque(store.runs())
            self._experiment = store.identity
        else:
            for query in self._doubtful:
                self._untaken += store.runs(query)
        self._store, self._doubtful = store, ()

    def disconnect(self) -> None:
        """Forgets the connection: whether the last call got through is unknown."""
        self._store = None
        if self._untaken:  # nor which of these were deleted
            self._experiment = ""

    def keep(self, known: Known) -> None:
        """Keeps the list for a later process. Raises TrackingError and OSError."""
        if self._store is None or (self.kept and self.kept.known == known):
            return
        mark = self.kept.mark if self.kept else uuid.uuid4().hex
        if not self.kept:
            self._store.set_mark(self._name, mark)
        runs, means = _packed(self.runs), _packed(self.means)
        self.kept = Kept(mark, self._experiment, known, self.report, runs, means)
        mirror_record.keep_list(self.rows.directory, self._uri, self.kept)

    @property
    def _name(self) -> str:
        """Name of the tag that says which kept list is true."""
        return f"mirror.{self.rows.origin['origin']}"

    def about_to(self, *queries: str) -> ExperimentStore:
        """The store, before a write to the runs that queries find: from now on no kept list is true."""
        if self.kept:
            self.store.set_mark(self._name, "")
            self.kept = None
        self._doubtful = queries
        return self.store

    def done(self) -> None:
        """Says that what it was about to write is written."""
        self._doubtful = ()

    def write(self, among: dict[str, Present], runs: Iterable[New]) -> None:
        """Writes runs, as many in a transaction as MLflow takes, in place of those that are there.

        among: `runs` or `means`.
        """
        left = iter(runs)
        while new := list(islice(left, self.store.together)):
            store = self.about_to(*(one.query for one in new))
            superseded = [among.pop(one.key, None) for one in new]
            with store.transaction():
                for before in superseded:
                    if before and before.own:
                        store.delete(before.run_id)
                ids = [store.write(self._with_origin(one.content)) for one in new]
            among |= {one.key: Present(run_id, one.row, True) for one, run_id in zip(new, ids, strict=True)}
            self.done()
            self.added += len(new)

    def _with_origin(self, content: RunContent) -> RunContent:
        return replace(content, tags={**content.tags, **self.rows.origin})

    def take_in(self) -> None:
        """Takes in the listed runs, and deletes interrupted and duplicate ones.

        A run of a row that is stored here stands for it, whatever directory it was mirrored from: that may have been copied.
        """
        ours = ("", self.rows.origin["origin"])  # runs written before there were origins have none
        reports, versions = [], self.rows.versions if self._untaken else {}
        while self._untaken:
            run = self._untaken[0]
            own, kind = run.tags.get("origin", "") in ours, run.tags.get("kind")
            if kind == "report" and own:
                reports.append(run)
            elif kind in (KIND, medians.KIND) and own:
                self._take_in_means(run)
            elif "run_key" in run.tags:
                self._take_in_run(run, own, versions)
            self._untaken.popleft()
        for run in sorted(reports, key=lambda run: "origin" not in run.tags):
            if self.report is None:
                self.report = (run.run_id, run.tags.get("content", "") if run.complete else "")
            elif "origin" in run.tags:
                self._delete(run.run_id)

    def _take_in_run(self, run: StoredRun, own: bool, versions: Mapping[str, str]) -> None:
        key, row = run.tags["run_key"], version(run.tags.get("outcome", ""), run.tags.get("finished_at", ""))
        known, stored = self.runs.get(key), versions.get(key) == row
        # Of a run without origin nobody knows whose it is, but a FAILED or STOPPED one makes way for one that went further.
        ours = own and ("origin" in run.tags or run.tags.get("outcome") in (Outcome.FAILED, Outcome.STOPPED))
        if not run.complete:
            if own:
                self._delete(run.run_id)
        elif stored and (known is None or known.row != row):
            if known and known.own:
                self._delete(known.run_id)
            self.runs[key] = Present(run.run_id, row, own, run.tags.get(exemplars.TAG, ""))
        elif ours and known is None:
            self.runs[key] = Present(run.run_id, row, own, run.tags.get(exemplars.TAG, ""))
        elif own and (stored or ours):
            self._delete(run.run_id)

    def _take_in_means(self, run: StoredRun) -> None:
        key = run.tags.get(KEY, "")
        if run.complete and key not in self.means:
            self.means[key] = Present(run.run_id, run.tags.get("content", ""), own=True)
        else:
            self._delete(run.run_id)

    def _delete(self, run_id: str) -> None:
        self.about_to().delete(run_id)


def _packed(present: Mapping[str, Present]) -> dict[str, list[Any]]:
    return {key: list(astuple(one)) for key, one in present.items()}


def _unpacked(kept: Mapping[str, list[Any]]) -> dict[str, Present]:
    return {key: Present(*values) for key, values in kept.items()}
