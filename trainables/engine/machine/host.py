"""Memory of the machine that a process may take, and has taken at most. Linux tells; elsewhere nothing is known."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Self

_PROC, _GROUP = Path("/proc"), Path("/sys/fs/cgroup")


def available() -> int:
    """Bytes that can be had without swapping, within the limit of the process's control group; 0 where that is not known."""
    try:
        found = _field(_PROC / "meminfo", "MemAvailable")
    except (OSError, StopIteration):
        return 0
    with contextlib.suppress(OSError, ValueError):  # no limit is the word max
        limit, used = (int((_GROUP / f"memory.{what}").read_text()) for what in ("max", "current"))
        found = min(found, max(limit - used, 0))
    return found


class Peak:
    """Measures how far memory rises within a `with` block.

    Attributes:
        bytes: after it, peak less what there was before; 0 where that is not known.
    """

    bytes = 0

    def __enter__(self) -> Self:
        self._before = 0
        with contextlib.suppress(OSError, StopIteration):
            (_PROC / "self/clear_refs").write_text("5")  # the peak begins anew: proc(5)
            self._before = _field(_PROC / "self/status", "VmRSS")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before:
            with contextlib.suppress(OSError, StopIteration):
                self.bytes = max(0, _field(_PROC / "self/status", "VmHWM") - self._before)


def _field(path: Path, name: str) -> int:
    lines = path.read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])
