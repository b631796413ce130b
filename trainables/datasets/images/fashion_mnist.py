"""Fashion-MNIST: articles of clothing, in MNIST's format.

Source: Xiao et al. 2017. Debian's package dataset-fashion-mnist has the files.
"""

from __future__ import annotations

from trainables.datasets.files.idx import Idx
from trainables.datasets.images.base import Images


class FashionMnist(Images):
    """60,000 articles to train on, 28×28 pixels; negatives of photographs, so that drawn as ink they are as they were taken."""

    name = "fashion_mnist"
    shape = (28, 28)
    ink = True
    x_dim = 28 * 28
    z_dim = 64
    noise_dim = 64
    classes = 10
    home = "github.com/zalandoresearch/fashion-mnist, or Debian's package dataset-fashion-mnist"
    files = Idx(
        ("FashionMNIST/raw", "fashion_mnist", "fashion-mnist"),
        elsewhere=("/usr/share/datasets/fashion-mnist",),
    )
