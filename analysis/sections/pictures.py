"""Pictures of runs of image data beside each other: every kind that is stored, against λ and of the best, median and worst run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import final

from analysis.document.blocks import SMALL, Block, Details, Figure, Heading, Text
from analysis.rows import load_pictures
from analysis.sections._exemplars import Chosen
from analysis.sections._picture_grid import grid_figure
from analysis.sections._sample_figures import figures
from analysis.sections.base import MOST_SYSTEMS, Report, Section, pages
from analysis.words import capital
from result_mosaics import are_images, mosaics
from result_names import exact
from result_pictures import SAMPLES, Pictures

_CELL_SIDE = 4
"""Images along each side of a cell."""

_WORDS = {
    SAMPLES: "Generated images, from the same noise at every λ.",
    "reconstructions": "Test images and what the systems make of them, in pairs: left the image, right its reconstruction. The "
    "images are the same for every system; one without an encoder has none.",
    "interpolations": "Decoded codes on straight lines: each row goes from the code of one test image to that of another, or, of a "
    "system without an encoder, from one draw of the prior to another.",
}
"""Kind -> what is to be seen; a kind that is not here has no words."""


@final
class PicturesOfRuns(Section):
    """Figures of each kind; nothing where no pictures are stored."""

    name, order, title = "pictures", 115, "Pictures"

    def blocks(self, report: Report) -> Iterator[Block]:
        study, chosen = report.study, report.exemplars
        shape = study.manifest.shape
        if chosen is None or not are_images(shape):
            return
        stored = load_pictures(study.where, sorted(chosen.ranks))
        if not stored:
            return
        most_first = sorted(stored.values(), key=len, reverse=True)  # which has the kinds in their order
        for kind in dict.fromkeys(kind for own in most_first for kind in own):
            yield Heading(capital(kind))
            if kind in _WORDS:
                yield Text(_WORDS[kind], SMALL)
            of_ranks = (
                [] if kind == SAMPLES else _of_ranks(report, chosen, stored, kind)
            )  # samples have a section
            if len(report.shown) == 1:
                yield from of_ranks
                continue
            yield from _against_lambda(report, chosen, stored, kind)
            if kind != SAMPLES:
                yield Details(f"{capital(kind)} at each λ", list(of_ranks))


def _against_lambda(
    report: Report, chosen: Chosen, stored: Mapping[str, Pictures], kind: str
) -> Iterator[Figure]:
    """One row per λ, one column per system that has this kind: its median run."""
    study, manifest = report.study, report.study.manifest
    keys = {
        (lam, algorithm): chosen.key(algorithm, lam, "median")
        for algorithm in study.algorithms
        for lam in (report.shown[:1] if algorithm in study.level else report.shown)
    }
    own = {key: stored[key][kind] for key in keys.values() if kind in stored.get(key, {})}
    small = mosaics(own, manifest.shape, _CELL_SIDE, ink=manifest.ink)
    cells = {at: small[key] for at, key in keys.items() if key in small}
    having = [a for a in study.algorithms if any(algorithm == a for _, algorithm in cells)]
    level = " A system without λ is the same at each." if study.level & set(having) else ""
    for page, algorithms in pages(having, MOST_SYSTEMS):
        words = f"{capital(kind)} of the median run by {chosen.measure.label} against λ: λ alone changes down a column.{level}"
        figure = grid_figure(cells, report.shown, algorithms, study.level)
        yield Figure(f"{kind}_against_lambda{page.suffix}", figure, f"{words}{page.words}")


def _of_ranks(report: Report, chosen: Chosen, stored: Mapping[str, Pictures], kind: str) -> Iterator[Figure]:
    """Best, median and worst run of each system, at each λ that is shown; of many systems the median."""
    study, manifest = report.study, report.study.manifest
    having = {key: own[kind] for key, own in stored.items() if kind in own}
    whole = mosaics(having, manifest.shape, ink=manifest.ink)
    for lam in report.shown:
        at = {
            algorithm: found
            for algorithm, found in chosen.at[lam].items()
            if any(e.run["run_key"] in whole for e in found)
        }
        for page, figure in figures(at, whole, study.leading, report.colours, None):
            caption = f"{capital(kind)} at λ = {exact(lam)}.{page.words}"
            yield Figure(f"{kind}_lambda_{exact(lam)}{page.suffix}", figure, caption)
