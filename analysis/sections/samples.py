"""Generated points, or images, of the best, median and worst run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import final

from analysis.document.blocks import SMALL, Block, Figure, File, Text
from analysis.rows import Rows, load_pictures, load_points
from analysis.sections._exemplars import Chosen
from analysis.sections._sample_figures import FEW, figures
from analysis.sections.base import Report, Section
from result_mosaics import Images, are_images, mosaics
from result_names import exact
from result_pictures import EXEMPLARS, SAMPLES


@final
class Samples(Section):
    """A figure per λ shown; nothing of a Bayesian model, which has a posterior, and of runs that generate none."""

    name, order, title = "samples", 110, "Generated points"

    def opening(self, report: Report) -> Iterator[Block]:
        """Tells beside the report which runs it shows: MLflow has their pictures."""
        if report.exemplars is not None:
            yield File(EXEMPLARS, json.dumps(report.exemplars.ranks, indent=1, sort_keys=True).encode())

    def blocks(self, report: Report) -> Iterator[Block]:
        study, chosen = report.study, report.exemplars
        shape = study.manifest.shape
        if study.manifest.coordinates or chosen is None:
            return
        keys = [e.run["run_key"] for lam in report.shown for found in chosen.at[lam].values() for e in found]
        points = _points(study, sorted(set(keys)))
        if not any(map(len, points.values())):
            return
        yield Text(_words(study, chosen), SMALL)
        drawn = mosaics(points, shape, ink=study.manifest.ink) if are_images(shape) else points
        for lam in report.shown:
            for page, figure in figures(chosen.at[lam], drawn, study.leading, report.colours, study.modes):
                caption = f"Generated points at λ = {exact(lam)}.{_seen(study)}{page.words}"
                yield Figure(f"samples_lambda_{exact(lam)}{page.suffix}", figure, caption)


def _points(study: Rows, keys: list[str]) -> dict[str, Images]:
    """Generated points of some runs; of large images, of which no points are stored, their pictures."""
    found: dict[str, Images] = dict(load_points(study.where, keys, study.manifest.shape))
    missing = [key for key in keys if key not in found]
    pictures = load_pictures(study.where, missing) if are_images(study.manifest.shape) else {}
    return found | {key: own[SAMPLES] for key, own in pictures.items() if SAMPLES in own}


def _seen(study: Rows) -> str:
    """Words for what to look for in a figure."""
    if study.modes is not None:
        return " A good run has as many points in every circle, and few between them."
    if are_images(study.manifest.shape):
        return " Good images look like those of the data set, and differ from one another as they do."
    return ""


def _words(study: Rows, chosen: Chosen) -> str:
    """Which runs are shown, and what is true of them where that is known."""
    ranks = "Best, median and worst" if len(study.algorithms) <= FEW else "The median"
    others = " or ".join(m.label for m in chosen.others)
    without = f"; of systems without it by {others}" if others else ""
    words, shape = f"{ranks} COMPLETED run by {chosen.measure.label}{without}.", study.manifest.shape
    if study.modes is not None:
        words += (
            " Circles: three standard deviations around the true means; a point inside one is on its mode."
        )
    elif len(shape) == 1 and shape[0] > 2:
        words += f" Drawn are the first two of {shape[0]} coordinates."
    return words
