"""Provenance of a result: commit and package versions."""

from __future__ import annotations

import functools
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("generative-robustness", "torch", "numpy", "ray", "pyarrow")


@functools.cache
def git_commit() -> str:
    """Commit of the checkout this package runs from, `-dirty` if changed since; 'unknown' outside one."""
    here = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            cwd=here, capture_output=True, text=True, check=True, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return described.stdout.strip()


@functools.cache
def versions() -> dict[str, str]:
    """Package -> version, for the packages that a result depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
