"""Steps that make a study's runs in MLflow equal to its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sweeps.tracking import model_mirror
from sweeps.tracking.contents import copy_report, milliseconds, run_content
from sweeps.tracking.mirror_record import Known
from sweeps.tracking.shown import exemplars, medians
from sweeps.tracking.shown.views import view_tags
from sweeps.tracking.study_rows import Row, StudyRows, version
from sweeps.tracking.summaries import KEY, Summary, content_of
from sweeps.tracking.writing.presence import New, Presence

SAMPLED = "sampled"
"""Tag of the runs of a sample: its share, such as 1/64."""


class Mirror:
    """Runs of one study in MLflow.

    Args:
        rows: the study's.
        uri: MLflow's.
        trusting: as of `Presence`.

    Attributes:
        runs: number of stored runs, as of the last step with a report.
    """

    def __init__(self, rows: StudyRows, uri: str, *, trusting: bool = False) -> None:
        self.rows, self.runs = rows, 0
        self._in = Presence(rows, uri, trusting=trusting)
        self._early = False  # whether what stands for all runs was written before the end

    @property
    def added(self) -> int:
        """Number of runs that were written."""
        return self._in.added

    @property
    def remaining(self) -> list[str]:
        """Keys of the runs to mirror whose MLflow run is missing or differs from the row."""
        there = {key: present.row for key, present in self._in.runs.items()}
        return [key for key, row in self.rows.versions.items() if there.get(key) != row]

    @property
    def there(self) -> int:
        """Number of mirrored runs."""
        return len(self.rows.versions) - len(self.remaining)

    def current(self, inputs: str) -> Known | None:
        """What the kept list says, if all that is made from these inputs is there. Raises TrackingError and OSError."""
        self._in.connect()
        kept = self._in.kept
        return kept.known if kept and kept.known.holds(inputs, self.rows.policy) else None

    def step(self, *, report: bool = False) -> None:
        """Mirrors rows that are not in MLflow yet. Raises TrackingError and OSError: call again later.

        report: whether nothing more is to come, and the report, its pictures and what stands for many runs are written too.
        """
        try:
            self._in.connect()
            self.rows.refresh(also=self._in.runs.keys() | self._in.untaken)
            self._in.take_in()
            self._write(self.remaining)
            if report:
                self._finish()
            elif self.rows.whole and not self._early:  # while the report is made: means take long
                self._write_for_all()
                self._early = True
        except Exception:
            self._in.disconnect()
            raise

    def keep(self, known: Known) -> None:
        """Keeps the list of what is there for a later process. Raises TrackingError and OSError."""
        self._in.keep(known)

    def _write(self, run_keys: Sequence[str]) -> None:
        """Writes these runs from their rows, in place of those that are there."""
        colours = self.rows.colours
        rows = self.rows.select(run_keys)
        self._in.write(self._in.runs, (self._new(row, curve, colours) for row, curve in rows))

    def _new(self, row: Row, curve: Sequence[Row], colours: Mapping[str, str]) -> New:
        key, content = row["run_key"], run_content(row, curve, self.rows.manifest, colours)
        share = {SAMPLED: self.rows.selection.share} if self.rows.is_sampled(row) else {}
        content = replace(content, tags={**content.tags, **share})
        return New(key, version(row["outcome"], row["finished_at"]), content, f"tags.run_key = '{key}'")

    def _finish(self) -> None:
        """Writes what depends on all rows: the report, what stands for many runs, and the pictures of runs that are shown, and kept models."""
        with copy_report(self.rows.directory) as (folder, digest):
            if digest and (self._in.report is None or self._in.report[1] != digest):
                self._write_report(folder, digest)
            self._write_medians(folder)
            ranks = exemplars.ranks(folder) if digest else None
        kept = model_mirror.best_kept(self.rows.directory, self.rows.manifest)
        self._write_for_all((*(ranks or ()), *kept))
        if ranks is not None:
            self._mirror_pictures(ranks)
        self._mirror_models(kept)
        self._in.store.describe(view_tags(self.rows.manifest, self.rows.selection.words()))

    def _write_for_all(self, further: Iterable[str] = ()) -> None:
        """Writes what stands for all runs, where not all are mirrored: the exemplars and further runs, and means."""
        chosen, self.runs = self.rows.selection, len(self.rows.versions)
        if not (chosen.sampled or chosen.aggregated):
            return
        summary = Summary(self.rows)
        self.runs = summary.runs
        if chosen.sampled:
            self.rows.add({*summary.exemplars, *further})
            self._write(self.remaining)
        if chosen.aggregated:
            self._write_means(summary)

    def _write_report(self, folder: Path, digest: str) -> None:
        store, written = self._in.about_to("tags.kind = 'report'"), self._in.report
        self._in.report = None
        tags = {"kind": "report", "content": digest, **self.rows.origin}
        run_id = store.write_artifacts(written[0] if written else None, "report", folder, tags)
        self._in.report = (run_id, digest)
        self._in.done()

    def _write_medians(self, report: Path) -> None:
        self._write_for_several(
            New(key, digest, content, f"tags.{KEY} = '{key}'")
            for key, digest, content in medians.contents(report, self.rows.manifest, self.rows.colours)
        )

    def _write_means(self, summary: Summary) -> None:
        self._write_for_several(
            New(mean.key, mean.content, content_of(mean, self.rows.manifest), f"tags.{KEY} = '{mean.key}'")
            for mean in summary.aggregates()
            if not self._shows(mean.key, mean.content)
        )

    def _write_for_several(self, runs: Iterable[New]) -> None:
        self._in.write(self._in.means, (run for run in runs if not self._shows(run.key, run.row)))

    def _shows(self, key: str, digest: str) -> bool:
        """Whether a run that stands for several is there as it would be written."""
        return key in self._in.means and self._in.means[key].row == digest

    def _mirror_pictures(self, ranks: Mapping[str, str]) -> None:
        """Gives pictures to the runs that the report shows, and takes them from the others, whose runs are written anew.

        Args:
            ranks: run key -> what the report shows the run for.
        """
        ours = {key: present for key, present in self._in.runs.items() if present.own}
        self._write([key for key, present in ours.items() if present.exemplar and key not in ranks])
        new = [key for key in ranks if key in ours and not ours[key].exemplar]
        drawn = exemplars.images(self.rows.directory, new, self.rows.manifest)
        for row, _ in self.rows.select([key for key in new if key in drawn]):
            key = row["run_key"]
            tags, finished = {exemplars.TAG: ranks[key]}, milliseconds(row["finished_at"])
            store = self._in.about_to(f"tags.run_key = '{key}'")
            shown = self._in.runs.pop(key)
            store.write_images(shown.run_id, drawn[key], row["iterations"], finished, tags)
            self._in.runs[key] = replace(shown, exemplar=ranks[key])
            self._in.done()
        for key, rank in ranks.items():
            if key in ours and ours[key].exemplar not in ("", rank):
                self._in.about_to().tag(ours[key].run_id, {exemplars.TAG: rank})
                self._in.runs[key] = replace(ours[key], exemplar=rank)

    def _mirror_models(self, run_keys: Sequence[str]) -> None:
        """Gives models to these runs where they have none; those that were the best before keep theirs."""
        having = self._in.store.runs(f"tags.{model_mirror.TAG} != ''") if run_keys else ()
        done = {run.run_id for run in having}
        own = {key: one for key, one in self._in.runs.items() if one.own and one.run_id not in done}
        for row, _ in self.rows.select([key for key in run_keys if key in own]):
            key, run_id = row["run_key"], own[row["run_key"]].run_id
            if (model := model_mirror.read(self.rows.directory, key)) is None:
                continue
            store = self._in.about_to(f"tags.run_key = '{key}'")
            shown = self._in.runs.pop(key)
            store.write_model(run_id, model, milliseconds(row["finished_at"]), model_mirror.tags(run_id))
            self._in.runs[key] = shown
            self._in.done()
