"""NVML, by which NVIDIA's GPUs tell of themselves, where its Python package is installed."""

from __future__ import annotations

import contextlib
import importlib
from typing import Any, NamedTuple


class Graphics(NamedTuple):
    """A GPU: NVML's package, and its handle of the GPU."""

    nvml: Any
    handle: Any


def graphics(device: str) -> Graphics | None:
    """The GPU that is this process's `device`; None for a CPU, and where NVML or its package is not there."""
    import torch

    if torch.device(device).type == "cpu":
        return None
    # NVML has errors of its own, and its package may be another one of that name.
    with contextlib.suppress(Exception):
        nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
        number = torch.device(device).index or 0
        uuid = torch.cuda.get_device_properties(number).uuid
        return Graphics(nvml, nvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}"))
    return None
