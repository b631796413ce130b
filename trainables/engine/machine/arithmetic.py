"""Which arithmetic a cohort trained and was measured by: what decides about the last bit beside the versions of packages."""

from __future__ import annotations

import ctypes
import functools
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from trainables.engine.cohort import Cohort
from trainables.engine.native import build
from trainables.recognition.base import Recogniser

BETWEEN, UNKNOWN = " / ", "not recorded"


def of(cohort: Cohort, recogniser: Recogniser | None = None) -> dict[str, str]:
    """By name: kernels or torch's operations, the compiler of the kernels, instruction sets, C library, processor, GPU; and
    by which recogniser its images are measured, where they are measured by one.
    """
    torchs = torch.backends.cpu.get_cpu_capability()
    found = {"processor": processor(), "libc": " ".join(platform.libc_ver()) or "unknown"}
    convolutions = cohort.kernels and not cohort.fused
    library = build.library() if convolutions or any(net.native for net in cohort.networks.values()) else None
    if cohort.device.type != "cpu":
        name = torch.cuda.get_device_name(cohort.device)
        found |= {"gpu": f"{name}, CUDA {torch.version.cuda}"}
    if recogniser is not None:
        found["features"] = recogniser.words
    if library is None:
        how = "torch operations" if cohort.fused else f"torch operations, {_order(cohort)}"
        return {"arithmetic": how, "instructions": f"torch {torchs}", **found}
    if cohort.fused:
        arithmetic = "native kernels" if cohort.native else "torch operations on native networks"
    else:
        arithmetic = f"torch operations with native convolutions and normalisation, {_order(cohort)}"
    instructions = f"kernels {_text(library.instructions)}, torch {torchs}"
    return {
        "arithmetic": arithmetic,
        "compiler": _text(library.compiler),
        "instructions": instructions,
        **found,
    }


def _order(cohort: Cohort) -> str:
    return "all members at once" if cohort.vectorised else "one member after another"


def joined(earlier: Iterable[Mapping[str, str]], now: Mapping[str, str]) -> dict[str, str]:
    """The arithmetic of runs that began elsewhere: by name, what differs in a fixed order."""
    every = [*earlier, now]
    names = dict.fromkeys(name for one in every for name in one)
    words = {
        name: {word for one in every for word in one.get(name, UNKNOWN).split(BETWEEN)} for name in names
    }
    return {name: BETWEEN.join(sorted(own)) for name, own in words.items()}


@functools.cache
def processor() -> str:
    """Name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _text(function: Any) -> str:
    function.restype = ctypes.c_char_p
    return bytes(function()).decode(errors="replace")
