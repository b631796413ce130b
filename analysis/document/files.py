"""Figures as bytes, and files into a study's directory, local or remote alike."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import matplotlib.figure
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.text import Text

from analysis.document.blocks import Block, Details, Drawing, Figure
from analysis.document.style import drawable, empty_note, settings
from result_files import open_directory, own_folder, visible_files, write

_DPI = 150
REPORT = "report"


def rendered(block: Block) -> Block:
    """The block with every figure in it drawn."""
    if isinstance(block, Details):
        return replace(block, blocks=[rendered(one) for one in block.blocks])
    return Drawing(block.name, block.caption, *render(block.figure)) if isinstance(block, Figure) else block


def render(figure: matplotlib.figure.Figure) -> tuple[bytes, bytes]:
    """A figure as PNG and SVG; without a date, so that the same rows give the same bytes."""
    png, svg = io.BytesIO(), io.BytesIO()
    with settings():
        for panel in figure.axes:
            if panel.axison and not panel.texts and not np.isfinite(panel.dataLim.get_points()).all():
                empty_note(panel)
        for text in _texts(figure):
            if r"\$" not in text.get_text():
                text.set_text(drawable(text.get_text()))
        # `savefig` would draw each once more beforehand, for a layout that drawing makes anyway.
        figure.set_dpi(_DPI)
        FigureCanvasAgg(figure).print_png(png)
        figure.set_layout_engine("none")  # keeps the layout just made
        FigureCanvasSVG(figure).print_svg(svg, metadata={"Date": None})
    return png.getvalue(), svg.getvalue()


def _texts(artist: Artist) -> Iterator[Text]:
    """Texts of an artist, without those at ticks, which are written when they are drawn (`style.tick_words`)."""
    for child in artist.get_children():
        if isinstance(child, Text):
            yield child
        elif isinstance(child, Axis):
            yield child.label
        else:
            yield from _texts(child)


def unwritable(where: str, folder: str, error: OSError) -> str:
    """One line for files of a study that could not be written, with the remedy."""
    reason = " ".join(str(error).split())
    return (
        f"{where}/{folder} must be writable, but writing it failed ({reason}); free it or copy the study's directory "
        "to where you may write"
    )


def write_report(where: str, files: dict[str, bytes]) -> str:
    """Writes a report's files into `<where>/report/`, in the order given, and removes figures of an earlier report.

    Returns:
        Path of that directory within its filesystem.

    Raises:
        ForeignFolderError: the directory is a link.
        OSError: it cannot be written.
    """
    filesystem, path = open_directory(where)
    target = own_folder(filesystem, path, REPORT)
    for name, data in files.items():
        write(filesystem, f"{target}/{name}", data)
    for found in visible_files(filesystem, target):
        if found.extension in ("png", "svg") and found.base_name not in files:
            filesystem.delete_file(found.path)
    return target
