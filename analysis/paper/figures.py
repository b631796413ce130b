"""Figures as PDF, as wide as a column or as both, with the fonts in them."""

from __future__ import annotations

import io

import matplotlib as mpl
import matplotlib.figure
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from pypdf import PdfReader, PdfWriter

from analysis.document.style import settings

COLUMN, PAGE = 3.25, 6.75
"""Widths of one column and of two in inches, as of ICML's and NeurIPS' styles within a few hundredths."""

_NARROW = 5.0
"""A figure drawn no wider than this, in inches, is legible in one column."""


def pdf(figure: matplotlib.figure.Figure, column: float = COLUMN, page: float = PAGE) -> bytes:
    """A figure as it was laid out last, scaled to `column` or to `page` inches; TrueType fonts are embedded, and there is no date.

    Args:
        figure: drawn before (`files.render`), which has laid it out.
        column, page: widths of a column and of the text, in inches.
    """
    drawn = io.BytesIO()
    with settings(), mpl.rc_context({"pdf.fonttype": 42}):
        FigureCanvasPdf(figure).print_pdf(drawn, metadata={"CreationDate": None})
    width = float(figure.get_size_inches()[0])
    scaled, target = PdfWriter(clone_from=PdfReader(drawn)), column if width <= _NARROW else page
    scaled.pages[0].scale_by(target / width)
    scaled.metadata = None
    written = io.BytesIO()
    scaled.write(written)
    return written.getvalue()
