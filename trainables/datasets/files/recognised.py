"""The classifier of prepared images, kept beside them."""

from __future__ import annotations

import torch

from trainables.datasets.files.base import Bytes
from trainables.datasets.files.prepared import Prepared
from trainables.recognition import stored
from trainables.recognition.base import Told
from trainables.recognition.network import Shape
from trainables.recognition.training import Labelled, Split

_KNOWN: dict[tuple[Prepared, tuple[int, ...]], stored.Classifier] = {}


def classifier(
    images: Prepared, shape: tuple[int, ...], classes: int, told: Told | None = None
) -> stored.Classifier:
    """The classifier of all labelled images, trained where it is not kept yet; one object in a process.

    Args:
        shape: of an image, [h, w] or [c, h, w].
        told: says that it is trained; the log by default.
    """
    key = (images, shape)
    if key not in _KNOWN:

        def load() -> Split:
            return Split(*(_labelled(rows, of_image(shape), classes) for rows in (images.train, images.test)))

        _KNOWN[key] = stored.classifier(images.folder, images.digest, load, classes, told)
    return _KNOWN[key]


def of_image(shape: tuple[int, ...]) -> Shape:
    """Channels, height and width of an image [h, w] or [c, h, w]."""
    return (shape[0], shape[1], shape[2]) if len(shape) == 3 else (1, shape[0], shape[1])


def _labelled(rows: Bytes, shape: Shape, classes: int) -> Labelled:
    every = torch.from_numpy(rows)
    few = every[every[:, -1] < classes]
    return Labelled(few[:, :-1].unflatten(1, shape), few[:, -1].long())
