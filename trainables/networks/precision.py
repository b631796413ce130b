"""The precision of the networks' matrix products; parameters, moments, losses and metrics are float32 always.

float32   the products are float32's too
tf32      CUDA multiplies float32 operands rounded to 10 bits of mantissa, and adds up in float32
bf16      operands of each product, forward and backward, are rounded to bfloat16, and so is its result; other modules than
          perceptrons run under `torch.autocast`, which does so with products and convolutions
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor


def check(precision: str, device: str) -> None:
    """Raises ValueError where a device does not have the precision. device: torch device name, such as 'cuda:0'."""
    if precision == "tf32" and torch.device(device).type != "cuda":
        raise ValueError(f"precision tf32 needs a CUDA device, got {device}; use float32 or bf16")


def affine(h: Tensor, weight: Tensor, bias: Tensor, precision: str) -> Tensor:
    """h [batch, inputs] · weight [inputs, outputs] + bias [outputs], float32; only bf16 differs from torch's here."""
    if precision != "bf16":
        return torch.addmm(bias, h, weight)
    return (h.bfloat16() @ weight.bfloat16()).float() + bias


@contextlib.contextmanager
def applied(precision: str) -> Iterator[None]:
    """CUDA's setting of float32 products while a cohort trains in this precision."""
    matmul = torch.backends.cuda.matmul
    before = matmul.fp32_precision
    if precision == "tf32":
        matmul.fp32_precision = "tf32"
    try:
        yield
    finally:
        matmul.fp32_precision = before
