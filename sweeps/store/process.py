"""Identifies a process uniquely across machines and reboots."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Owner:
    """A process.

    Attributes:
        host: name of its machine.
        user: number of its user.
        pid: its number.
        started: clock ticks from boot to its start, which tell it from a later process with the same number.
        kernel: boot and process-number space in which `pid` is valid; empty if the system does not say.
    """

    host: str
    user: int
    pid: int
    started: int
    kernel: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    @property
    def dead(self) -> bool:
        """True if the process certainly ended; False if that cannot be told from here."""
        if not self.kernel or self.kernel != _kernel():
            return False
        return _started(self.pid) != self.started


def this_process() -> Owner:
    """The calling process."""
    pid = os.getpid()
    return Owner(socket.gethostname(), os.getuid(), pid, _started(pid), _kernel())


def _kernel() -> str:
    try:
        # Containers of one machine share the boot and may share a host name, but not the process numbers.
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> int:
    """Start of a running process, in clock ticks from boot; -1 if it ended."""
    try:
        # The name, in parentheses, may hold anything.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return -1
    return -1 if fields[0] in "ZX" else int(fields[19])
