"""Runs of a study in MLflow, and the steps that make them equal to its rows.

What is there is listed once, in pages, and kept: after a failure only what was being written is asked for again, and a later
process takes the list up where no mirror wrote in between (`mirror_record.Kept`).
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from result_schema import Outcome
from sweeps.tracking import mirror_record, model_mirror
from sweeps.tracking.contents import copy_report, milliseconds, run_content
from sweeps.tracking.mirror_record import Kept, Known
from sweeps.tracking.shown import exemplars, medians
from sweeps.tracking.shown.views import view_tags
from sweeps.tracking.study_rows import StudyRows, version
from sweeps.tracking.summaries import KEY, KIND, Summary, content_of

if TYPE_CHECKING:
    from sweeps.tracking.mlflow_store import ExperimentStore, RunContent, StoredRun

SAMPLED = "sampled"
"""Tag of the runs of a sample: its share, such as 1/64."""


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


class Mirror:
    """Runs of one study in MLflow.

    Args:
        rows: the study's.
        uri: MLflow's.
        trusting: whether a kept list is taken up; else MLflow is asked, and runs that were deleted there are written again.

    Attributes:
        added: number of runs that were written.
        runs: number of stored runs, as of the last step with a report.
    """

    def __init__(self, rows: StudyRows, uri: str, *, trusting: bool = False) -> None:
        self.rows, self.added, self.runs = rows, 0, 0
        self._uri, self._trusting = uri, trusting
        self._store: ExperimentStore | None = None
        self._experiment = ""  # whose runs are known
        self._present: dict[str, Present] = {}  # by run key
        self._means: dict[str, Present] = {}  # what stands for several runs, by its key
        self._report: tuple[str, str] | None = None  # id in MLflow, digest of its files
        self._untaken: deque[StoredRun] = deque()  # listed, and not taken in yet
        self._doubtful = ""  # query for what is being written
        self._kept: Kept | None = None  # the kept list, as long as it is true

    @property
    def remaining(self) -> list[str]:
        """Keys of the runs to mirror whose MLflow run is missing or differs from the row."""
        there = {key: present.row for key, present in self._present.items()}
        return [key for key, row in self.rows.versions.items() if there.get(key) != row]

    @property
    def there(self) -> int:
        """Number of mirrored runs."""
        return len(self.rows.versions) - len(self.remaining)

    def current(self, inputs: str) -> Known | None:
        """What the kept list says, if all that is made from these inputs is there. Raises TrackingError and OSError."""
        self._connect()
        return self._kept.known if self._kept and self._kept.known.holds(inputs, self.rows.policy) else None

    def step(self, *, report: bool = False) -> None:
        """Mirrors rows that are not in MLflow yet. Raises TrackingError and OSError: call again later.

        report: whether nothing more is to come, and the report, its pictures and what stands for many runs are written too.
        """
        try:
            self._connect()
            self.rows.refresh(also={*self._present, *(run.tags.get("run_key", "") for run in self._untaken)})
            self._take_in()
            self._write(self.remaining)
            if report:
                self._finish()
        except Exception:
            self._store = None  # whether the last one got through is unknown
            if self._untaken:  # nor which of these were deleted
                self._experiment = ""
            raise

    def keep(self, known: Known) -> None:
        """Keeps the list of what is there for a later process. Raises TrackingError and OSError."""
        if self._store is None or (self._kept and self._kept.known == known):
            return
        mark = self._kept.mark if self._kept else uuid.uuid4().hex
        if not self._kept:
            self._store.set_mark(self._name, mark)
        self._kept = Kept(
            mark, self._experiment, known, self._report, _packed(self._present), _packed(self._means)
        )
        mirror_record.keep_list(self.rows.directory, self._uri, self._kept)

    @property
    def _name(self) -> str:
        """Name of the tag that says which kept list is true."""
        return f"mirror.{self.rows.origin['origin']}"

    def _connect(self) -> None:
        """Connects, if there is no connection, and lists runs whose state is not known."""
        from sweeps.tracking.mlflow_store import ExperimentStore

        if self._store is not None:
            return
        store = ExperimentStore(self._uri, self.rows.manifest.study)
        if self._experiment != store.identity:
            self._present, self._means, self._report, self._untaken, self._doubtful = (
                {},
                {},
                None,
                deque(),
                "",
            )
            self._kept = mirror_record.recall_list(self.rows.directory, self._uri) if self._trusting else None
            if self._kept and (self._kept.experiment, self._kept.mark) == (
                store.identity,
                store.mark(self._name),
            ):
                self._present, self._means = _unpacked(self._kept.runs), _unpacked(self._kept.means)
                self._report = self._kept.report
            else:
                self._kept, self._untaken = None, deque(store.runs())
            self._experiment = store.identity
        elif self._doubtful:
            self._untaken += store.runs(self._doubtful)
        self._store, self._doubtful = store, ""

    def _about_to(self, query: str) -> ExperimentStore:
        """The store, before a write to the runs that a query finds: from now on no kept list is true."""
        assert self._store is not None
        if self._kept:
            self._store.set_mark(self._name, "")
            self._kept = None
        self._doubtful = query
        return self._store

    def _write(self, run_keys: Sequence[str]) -> None:
        """Writes these runs from their rows, in place of those that are there."""
        for row, curve in self.rows.select(run_keys):
            run_key = row["run_key"]
            content = run_content(row, curve, self.rows.manifest)
            share = {SAMPLED: self.rows.selection.share} if self.rows.is_sampled(row) else {}
            content = replace(content, tags={**content.tags, **share})
            shown = version(row["outcome"], row["finished_at"])
            self._replace(self._present, run_key, content, shown, f"tags.run_key = '{run_key}'")

    def _replace(
        self, among: dict[str, Present], key: str, content: RunContent, shown: str, query: str
    ) -> None:
        store = self._about_to(query)
        superseded = among.pop(key, None)
        if superseded and superseded.own:
            store.delete(superseded.run_id)
        run_id = store.write(replace(content, tags={**content.tags, **self.rows.origin}))
        among[key] = Present(run_id, shown, own=True)
        self._doubtful = ""
        self.added += 1

    def _take_in(self) -> None:
        """Takes in the listed runs, and deletes interrupted and duplicate ones.

        A run of a row that is stored here stands for it, whatever directory it was mirrored from: that may have been copied.
        """
        assert self._store is not None
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
            if self._report is None:
                self._report = (run.run_id, run.tags.get("content", "") if run.complete else "")
            elif "origin" in run.tags:
                self._delete(run.run_id)

    def _take_in_run(self, run: StoredRun, own: bool, versions: Mapping[str, str]) -> None:
        key, row = run.tags["run_key"], version(run.tags.get("outcome", ""), run.tags.get("finished_at", ""))
        known, stored = self._present.get(key), versions.get(key) == row
        # Of a run without origin nobody knows whose it is, but a FAILED or STOPPED one makes way for one that went further.
        ours = own and ("origin" in run.tags or run.tags.get("outcome") in (Outcome.FAILED, Outcome.STOPPED))
        if not run.complete:
            if own:
                self._delete(run.run_id)
        elif stored and (known is None or known.row != row):
            if known and known.own:
                self._delete(known.run_id)
            self._present[key] = Present(run.run_id, row, own, run.tags.get(exemplars.TAG, ""))
        elif ours and known is None:
            self._present[key] = Present(run.run_id, row, own, run.tags.get(exemplars.TAG, ""))
        elif own and (stored or ours):
            self._delete(run.run_id)

    def _take_in_means(self, run: StoredRun) -> None:
        key = run.tags.get(KEY, "")
        if run.complete and key not in self._means:
            self._means[key] = Present(run.run_id, run.tags.get("content", ""), own=True)
        else:
            self._delete(run.run_id)

    def _delete(self, run_id: str) -> None:
        self._about_to("").delete(run_id)

    def _finish(self) -> None:
        """Writes what depends on all rows: the report, what stands for many runs, and the pictures of runs that are shown, and kept models."""
        with copy_report(self.rows.directory) as (folder, digest):
            if digest and (self._report is None or self._report[1] != digest):
                self._write_report(folder, digest)
            self._write_medians(folder)
            ranks = exemplars.ranks(folder) if digest else None
        self.runs = len(self.rows.versions)
        chosen = self.rows.selection
        kept = model_mirror.best_kept(self.rows.directory, self.rows.manifest)
        if chosen.sampled or chosen.aggregated:
            summary = Summary(self.rows)
            self.runs = summary.runs
            if chosen.sampled:
                self.rows.add({*summary.exemplars, *(ranks or ()), *kept})
                self._write(self.remaining)
            if chosen.aggregated:
                self._write_means(summary)
        if ranks is not None:
            self._mirror_pictures(ranks)
        self._mirror_models(kept)
        assert self._store is not None
        self._store.describe(view_tags(self.rows.manifest, chosen.words()))

    def _write_report(self, folder: Path, digest: str) -> None:
        store, written = self._about_to("tags.kind = 'report'"), self._report
        self._report = None
        tags = {"kind": "report", "content": digest, **self.rows.origin}
        run_id = store.write_artifacts(written[0] if written else None, "report", folder, tags)
        self._report, self._doubtful = (run_id, digest), ""

    def _write_medians(self, report: Path) -> None:
        for key, digest, content in medians.contents(report, self.rows.manifest):
            self._write_for_several(key, digest, partial(replace, content))

    def _write_means(self, summary: Summary) -> None:
        for mean in summary.aggregates():
            self._write_for_several(mean.key, mean.content, partial(content_of, mean, self.rows.manifest))

    def _write_for_several(self, key: str, digest: str, content: Callable[[], RunContent]) -> None:
        present = self._means.get(key)
        if present is None or present.row != digest:
            self._replace(self._means, key, content(), digest, f"tags.{KEY} = '{key}'")

    def _mirror_pictures(self, ranks: Mapping[str, str]) -> None:
        """Gives pictures to the runs that the report shows, and takes them from the others, whose runs are written anew.

        Args:
            ranks: run key -> what the report shows the run for.
        """
        ours = {key: present for key, present in self._present.items() if present.own}
        self._write([key for key, present in ours.items() if present.exemplar and key not in ranks])
        new = [key for key in ranks if key in ours and not ours[key].exemplar]
        drawn = exemplars.images(self.rows.directory, new, self.rows.manifest)
        for row, _ in self.rows.select([key for key in new if key in drawn]):
            key = row["run_key"]
            tags, finished = {exemplars.TAG: ranks[key]}, milliseconds(row["finished_at"])
            store = self._about_to(f"tags.run_key = '{key}'")
            shown = self._present.pop(key)
            store.write_images(shown.run_id, drawn[key], row["iterations"], finished, tags)
            self._present[key], self._doubtful = replace(shown, exemplar=ranks[key]), ""
        for key, rank in ranks.items():
            if key in ours and ours[key].exemplar not in ("", rank):
                self._about_to("").tag(ours[key].run_id, {exemplars.TAG: rank})
                self._present[key] = replace(ours[key], exemplar=rank)

    def _mirror_models(self, run_keys: Sequence[str]) -> None:
        """Gives models to these runs where they have none; those that were the best before keep theirs."""
        assert self._store is not None
        done = (
            {run.run_id for run in self._store.runs(f"tags.{model_mirror.TAG} != ''")} if run_keys else set()
        )
        own = {key: one for key, one in self._present.items() if one.own and one.run_id not in done}
        for row, _ in self.rows.select([key for key in run_keys if key in own]):
            key, run_id = row["run_key"], own[row["run_key"]].run_id
            if (model := model_mirror.read(self.rows.directory, key)) is None:
                continue
            store = self._about_to(f"tags.run_key = '{key}'")
            shown = self._present.pop(key)
            store.write_model(run_id, model, milliseconds(row["finished_at"]), model_mirror.tags(run_id))
            self._present[key], self._doubtful = shown, ""


def _packed(present: Mapping[str, Present]) -> dict[str, list[Any]]:
    return {key: list(astuple(one)) for key, one in present.items()}


def _unpacked(kept: Mapping[str, list[Any]]) -> dict[str, Present]:
    return {key: Present(*values) for key, values in kept.items()}
