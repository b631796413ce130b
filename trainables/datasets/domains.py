"""Rows of a batch: a point, its label and, where the data have a second domain, a point of that.

The two come in no pairs: each domain is shuffled by a stream of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet


def width(data: DataSet) -> int:
    """Numbers of a row."""
    return data.x_dim + data.classes + (data.other.x_dim if data.other else 0)


def rows(data: DataSet, stored: Sequence[Tensor], numbers: Tensor) -> Tensor:
    """Rows [..., width] of numbered points, as models see them.

    Args:
        data: the data set.
        stored: of each domain its points as they are stored (`DataSet.stored`).
        numbers: of each domain the numbers of points there, int64 [domains, ...].
    """
    first, *others = (
        domain.rows(points[chosen], chosen)
        for domain, points, chosen in zip(data.domains, stored, numbers, strict=True)
    )
    return _beside(data, first, *others)


def tested(data: DataSet) -> Tensor:
    """Rows [n, width] of the n test points; points of a second domain begin anew where it has fewer."""
    return _beside(data, *(domain.test[places(data, domain)] for domain in data.domains))


def places(data: DataSet, domain: DataSet) -> Tensor:
    """Numbers of the test points of a domain that stand beside the test points, int64 [n]."""
    return torch.arange(len(data.test)) % len(domain.test)


def parted(data: DataSet, rows: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Points [..., x_dim], their labels [..., classes], and points of the second domain, None where there are none; of rows [..., width]."""
    others = [data.other.x_dim] if data.other else []
    x, y, *other = rows.split([data.x_dim, data.classes, *others], dim=-1)
    return x, y if data.classes else None, other[0] if other else None


def _beside(data: DataSet, first: Tensor, *others: Tensor) -> Tensor:
    """Rows of the first domain's points and labels, and of the others' points without labels."""
    if not others:
        return first
    points = [rows[..., : domain.x_dim] for domain, rows in zip(data.domains[1:], others, strict=True)]
    return torch.cat([first, *points], -1)
