"""ImageNet of 64×64 pixels.

Source: Chrabaszcz et al. 2017.
"""

from __future__ import annotations

from typing import final

from trainables.datasets.files.imagenet import ImageNet
from trainables.datasets.images.base import Images


@final
class ImageNet64(Images):
    """1,281,167 photographs to train on, 64×64 pixels of three colours, without labels."""

    name = "imagenet64"
    shape = (3, 64, 64)
    x_dim = 3 * 64 * 64
    z_dim = 128
    noise_dim = 128
    home = "image-net.org/download-images, downsampled, npz"
    files = ImageNet(
        (
            "imagenet64",
            "Imagenet64",
            "Imagenet64_train_part1_npz",
            "Imagenet64_train_part2_npz",
            "Imagenet64_val_npz",
        ),
        size=64,
    )
