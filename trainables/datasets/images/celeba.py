"""CelebA: faces, cropped and resized.

Source: Liu et al. 2015.
"""

from __future__ import annotations

from typing import final

from trainables.datasets.files.celeba import CelebA as CelebAFiles
from trainables.datasets.images.base import Images


@final
class CelebA(Images):
    """162,770 faces to train on, 64×64 pixels of three colours, without labels; how they are cropped is in `files.celeba`."""

    name = "celeba"
    shape = (3, 64, 64)
    x_dim = 3 * 64 * 64
    z_dim = 128
    noise_dim = 128
    home = "mmlab.ie.cuhk.edu.hk/projects/CelebA.html, aligned and cropped"
    files = CelebAFiles(("celeba", "CelebA"), size=64)
