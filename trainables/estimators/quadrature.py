"""The log-likelihood of a decoder with a two-dimensional code, by quadrature: no sampling error."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.models.batch import Model

CELLS = 96
"""Cells of the prior along each axis of the code, all of the same probability."""

CHUNK = 64
"""Points whose densities under all codes are held at once."""


def by_quadrature(model: Model, x: Tensor, cells: int = CELLS) -> Tensor:
    """log p(x) = log ∫ p(x|z) p(z) dz of an explicit decoder and z ~ N(0, I) in the plane, in nats: [n] from x [n, d].

    The mean of p(x|z) over the middles of `cells`² equally probable cells of the prior, in float64.
    """
    u = (torch.arange(cells, dtype=torch.float64) + 0.5) / cells
    axis = torch.special.ndtri(u).float().to(x.device)
    z = torch.cartesian_prod(axis, axis)
    given = model.given("decoder", z=z).double()
    return torch.cat([
        torch.logsumexp(model.log_p_given(points.double().unsqueeze(1), given), -1) for points in x.split(CHUNK)
    ]) - 2 * torch.log(torch.tensor(float(cells), dtype=torch.float64))  # fmt: skip
