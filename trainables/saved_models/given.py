"""Points and labels as somebody gives them to a model: of any array, checked, and as its networks take them."""

from __future__ import annotations

import math

import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from trainables.datasets.base import DataSet

Values = Tensor | npt.ArrayLike
"""Whatever torch makes a tensor of."""


def flat_points(x: Values, data: DataSet, device: torch.device) -> Tensor:
    """Points [n, x_dim], float32, of points [n, *shape] or [n, x_dim]. Raises ValueError where they are none of the data's."""
    points = torch.as_tensor(x, dtype=torch.float32, device=device)
    if points.dim() < 2 or math.prod(points.shape[1:]) != data.x_dim:
        raise ValueError(f"points of {data.name} must be [n, {data.x_dim}], each of shape {list(data.shape)}, got "
                         f"{list(points.shape)}")  # fmt: skip
    return points.flatten(1)


def one_hot_labels(labels: Values, n: int, classes: int, device: torch.device) -> Tensor:
    """Labels [n, classes] of classes [n] or one-hot ones. Raises ValueError where they are not n, or no classes."""
    each = torch.as_tensor(labels, device=device)
    if each.shape == (n, classes):
        return each.float()
    if each.shape != (n,) or each.is_floating_point() or bool(((each < 0) | (each >= classes)).any()):
        raise ValueError(f"labels must be {n} classes from 0 to {classes - 1}, or one-hot [{n}, {classes}], got {each.dtype} "
                         f"of shape {list(each.shape)}")  # fmt: skip
    return one_hot(each.long(), classes).float()
