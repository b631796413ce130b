"""Spectral normalisation of a layer, whose state is the two vectors of a power iteration."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import normalize

Map = nn.Linear | nn.Conv2d | nn.ConvTranspose2d

FIRST_STEPS = 15
"""Steps of the power iteration before training, as many as PyTorch's `spectral_norm` takes."""


@final
class Spectral(nn.Module):
    """A layer whose weight is divided by its largest singular value, σ = uᵀ W v.

    Source: Miyato et al. 2018, algorithm 1. A pass in training takes one step of the power iteration, v = Wᵀu / ‖Wᵀu‖
    and u = Wv / ‖Wv‖ in PyTorch's order, u first; one in evaluation none. u and v are constants of the gradient.
    """

    u: Tensor
    v: Tensor

    def __init__(self, layer: Map) -> None:
        super().__init__()
        self.layer = layer
        rows, columns = self.matrix().shape
        self.register_buffer("u", normalize(torch.randn(rows), dim=0))
        self.register_buffer("v", normalize(torch.randn(columns), dim=0))
        for _ in range(FIRST_STEPS):
            self.u, self.v = self.step(self.matrix().detach())

    def matrix(self) -> Tensor:
        """The weight as [outputs, inputs · places]."""
        weight = self.layer.weight
        return (weight.transpose(0, 1) if isinstance(self.layer, nn.ConvTranspose2d) else weight).flatten(1)

    def step(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """u and v after one step."""
        u = normalize(matrix @ self.v, dim=0)
        return u, normalize(matrix.t() @ u, dim=0)

    def forward(self, h: Tensor) -> Tensor:
        """The layer at h, with its weight divided."""
        matrix = self.matrix()
        u, v = self.u, self.v
        if self.training:
            u, v = self.step(matrix.detach())
            self.u.copy_(u)
            self.v.copy_(v)
        weight = self.layer.weight / torch.dot(u, matrix @ v)
        output: Tensor = functional_call(self.layer, {"weight": weight}, (h,))
        return output
