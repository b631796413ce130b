"""SVHN: digits of house numbers in photographs.

Source: Netzer et al. 2011.
"""

from __future__ import annotations

from typing import final

from trainables.datasets.files.svhn import Svhn as SvhnFiles
from trainables.datasets.images.base import Images


@final
class Svhn(Images):
    """73,257 digits to train on, 32×32 pixels of three colours."""

    name = "svhn"
    shape = (3, 32, 32)
    x_dim = 3 * 32 * 32
    z_dim = 100
    noise_dim = 100
    classes = 10
    home = "ufldl.stanford.edu/housenumbers, format 2"
    files = SvhnFiles(("SVHN", "svhn"))
