"""A study's directory becomes its store: the manifest says what the study declares, and gains what it declares later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from result_files import own_folder
from result_manifest import MANIFEST, Manifest, SchemaError, Target, check_target, read_manifest
from result_metrics import MetricInfo
from result_pictures import FOLDER as PICTURES
from result_published import Published
from result_schema import HEADLINE, LOSSES, REFERENCE, SAMPLES, check_columns
from sweeps.store.directory import StudyDirectory
from sweeps.study.shown import colours_of, descriptions_of, levels_of
from sweeps.study.space import Space
from trainables import datasets, metrics, objectives
from trainables.configurations import required

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet
    from trainables.objectives.base import Objective
    from trainables.parameters import Parameter


class DeclaredDirectory(StudyDirectory):
    """A study's directory with what the study declares."""

    def create(
        self,
        study: str,
        question: str,
        precision: str = "float32",
        searched: bool = False,
        data: str = "mixture5",
        targets: tuple[Target, ...] = (),
        limits: Target = (),
        smallest_differences: Mapping[str, float] | None = None,
        looks: tuple[int, ...] = (),
        hyper_parameters: Mapping[str, Parameter] | None = None,
        default: Mapping[str, Any] | None = None,
        algorithms: Iterable[str] = (),
        further: Sequence[str] = (),
        headline: Sequence[str] = HEADLINE,
        sections: tuple[str, ...] = (),
        published: Published | None = None,
        space: Space | None = None,
    ) -> None:
        """Makes the directory the store of this study on these data. A store that exists keeps its rows; its manifest gains
        looks that are planned now, new hyper-parameters with a default (the value that its rows had), names of algorithms
        from elsewhere, new metrics and losses (which its rows lack), limits, sections of the report, published numbers, words
        for hyper-parameters, levels, and colours of algorithms where it has any.

        Metrics are all available ones that models of the data can have, and the `further` ones, at import paths; the
        `headline` and the smallest differences are kept for these metrics alone.

        Raises:
            ValueError: a further metric cannot be found, a metric has the name of another column, or a target needs a metric
                that the data do not allow.
            SchemaError: as `check`, or other looks are planned.
            ForeignFolderError: a folder in it is a link.
            OSError: it cannot be written.
        """
        columns = required() if hyper_parameters is None else hyper_parameters
        used = [objectives.find(name) for name in algorithms]
        descriptions = descriptions_of(columns, used, space or {})
        taken = metrics.applicable(datasets.find(data), further)
        infos = tuple(metric.info for metric in taken.values())
        losses = tuple(
            dict.fromkeys((*LOSSES, *(f"{player}_loss" for one in used for player in one.form.players)))
        )
        check_columns(infos, losses, columns)
        for target in (*targets, *filter(None, [limits])):
            check_target(target, infos)
        if published is not None and published.statements:
            about = datasets.find(published.data)
            # Files of other data than the study's may not be here, and then no run is of them.
            if published.data == data or not datasets.reads_files(published.data):
                published = replace(published, data=about.version)
        contributed = {one.plain: one for one in used if one.plain not in objectives.available()}
        if not self.check(study, precision):
            self.filesystem.create_dir(self.path, recursive=True)
            from trainables.models.pictures import KINDS  # torch

            found = datasets.find(data)
            if found.reference is not None:  # before the manifest, which says that all is there
                own_folder(self.filesystem, self.path, "samples")
                row = {"run_key": REFERENCE, "points": found.reference.numpy().ravel()}
                self.write_table(f"samples/{REFERENCE}.parquet", pa.Table.from_pylist([row], schema=SAMPLES))
            everyone = {**objectives.available(), **contributed}
            manifest = Manifest(
                study=study,
                hyper_parameters={name: parameter.kind for name, parameter in columns.items()},
                question=question,
                precision=precision,
                searched=searched,
                shape=found.shape,
                ink=found.ink,
                coordinates=found.coordinates,
                targets=targets,
                limits=limits,
                best={
                    name: best
                    for name, metric in taken.items()
                    if (best := metric.best_on(found)) is not None
                },
                smallest_differences={
                    n: value for n, value in (smallest_differences or {}).items() if n in taken
                },
                looks=looks,
                labels={name: one.label for name, one in everyone.items()},
                baselines={name: one.baselines for name, one in everyone.items() if one.baselines},
                own=_own(everyone.values()),
                default=default or {},
                metrics=infos,
                losses=losses,
                headline=tuple(name for name in headline if name in taken),
                data=data,
                modes=found.modes,
                mode_std=found.mode_std,
                sections=sections,
                published=published,
                colours=colours_of(used, {}),
                descriptions=descriptions,
                levels=levels_of(space or {}, {}),
                pictures=KINDS,
            )
            self.write_bytes(MANIFEST, manifest.to_json().encode())
        else:
            known = read_manifest(self.uri)
            now = self._amended(known, looks, columns, contributed, infos, losses, datasets.find(data))
            published = known.published if published is None else published
            limits = limits or known.limits
            now = replace(
                now,
                own={**_own(used), **known.own},
                sections=sections,
                published=published,
                limits=limits,
                colours=colours_of(used, known.colours) if known.colours else {},
                descriptions={**known.descriptions, **descriptions},
                levels=levels_of(space or {}, known.levels),
            )
            if now != known:
                made = self.filesystem.get_file_info(
                    f"{self.path}/{MANIFEST}"
                ).mtime_ns  # its runs in MLflow are told by it
                now = replace(now, made=known.made or str(made))
                self.write_bytes(MANIFEST, now.to_json().encode())
        vars(self).pop("manifest", None)
        for name in ("runs", "curves", "samples", PICTURES, "states"):
            own_folder(self.filesystem, self.path, name)

    def _amended(
        self,
        known: Manifest,
        looks: tuple[int, ...],
        columns: Mapping[str, Parameter],
        contributed: Mapping[str, Objective],
        infos: Sequence[MetricInfo],
        losses: Sequence[str],
        data: DataSet,
    ) -> Manifest:
        """The manifest with additions; its rows stay valid. Raises SchemaError if other looks are planned."""
        if known.looks and looks and looks != known.looks:
            planned, wanted = (", ".join(map(str, units)) for units in (known.looks, looks))
            raise SchemaError(f"{self.uri} is looked at after {planned} units by plan, got {wanted}; declare as many as "
                              "then, or choose another --results")  # fmt: skip
        added = {name: p for name, p in columns.items() if name not in known.hyper_parameters}
        new = {metric.name: metric for metric in infos}
        kept = (
            replace(one, path=new.pop(one.name).path) if one.name in new else one for one in known.metrics
        )
        merged, losses = (*kept, *new.values()), tuple(dict.fromkeys((*known.losses, *losses)))
        check_columns(merged, losses, {*known.hyper_parameters, *added})
        compared = {name: one.baselines for name, one in contributed.items() if one.baselines}
        return replace(
            known,
            looks=looks or known.looks,
            hyper_parameters={**known.hyper_parameters, **{name: p.kind for name, p in added.items()}},
            absent={**known.absent, **{name: p.value_without(data) for name, p in added.items()}},
            labels={**known.labels, **{name: one.label for name, one in contributed.items()}},
            # One from before manifests had them is read with the baselines of its time, to which none is added.
            baselines={**known.baselines, **compared} if known.baselines else {},
            metrics=merged,
            losses=losses,
        )


def _own(systems: Iterable[Objective]) -> dict[str, dict[str, float | None]]:
    """Algorithm -> hyper-parameters of its own, without the algorithms that have λ alone."""
    return {one.plain: one.hyper_parameters for one in systems if list(one.hyper_parameters) != ["lam"]}
