"""One Ray node of ours on this machine: start it, stop it, and leave everyone else's Ray alone.

    python -m infra.node ray start --head --port=6380 …     start it in the background; ours that runs is stopped first
    python -m infra.node stop                               stop it, by its process id

`ray stop` ends every Ray process of every user that it may kill; the cluster files use this instead.
The node is `ray start --block`, which ends its own processes when it is terminated. Its process id and its log
are in $RAY_TMPDIR. Exit code 2 and one line when it does not come up.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import command_output
from sweeps.planning import cores

START_SECONDS = 600.0  # against waiting for ever: a busy machine takes minutes
STOP_SECONDS = 30.0
STARTED = "Ray runtime started."


class NodeError(RuntimeError):
    """The node did not start; the message says why and where its log is."""


def start(command: list[str], directory: Path) -> subprocess.Popen[bytes]:
    """Run `ray start …` in the background and wait until Ray is up; returns its process.

    Raises:
        NodeError: it ended, or was not up in time.
    """
    stop(directory)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = directory / "node.log"
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--block"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # the ssh session that started it ends, it does not
        )
    _pid_file(directory).write_text(f"{process.pid} {_started_at(process.pid)}")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if STARTED in log.read_text(errors="replace"):
            return process
        time.sleep(0.2)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(errors="replace")).strip().splitlines()
    reason = lines[-1].strip() if lines else "it said nothing"
    if process.poll() is None:
        reason = f"not up in {START_SECONDS:g} s"
    stop(directory)
    process.wait()
    raise NodeError(f"Ray did not start ({reason}); see {log}")


def stop(directory: Path) -> bool:
    """End the node that was started here, if it runs; returns whether it did."""
    file = _pid_file(directory)
    if not file.is_file():
        return False
    pid, started_at = file.read_text().split()
    # A process id is given again to others: only with the same start time is it ours.
    running = _started_at(int(pid)) == started_at
    if running:
        for number in (signal.SIGTERM, signal.SIGKILL):
            os.kill(int(pid), number)
            deadline = time.monotonic() + STOP_SECONDS
            while _started_at(int(pid)) == started_at and time.monotonic() < deadline:
                time.sleep(0.1)
            if _started_at(int(pid)) != started_at:
                break
    file.unlink()
    return running


def _pid_file(directory: Path) -> Path:
    return directory / "node.pid"


def _started_at(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state == "Z" else fields[18]


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    directory = Path(os.environ.get("RAY_TMPDIR", "/tmp/generative-robustness"))
    if arguments == ["stop"]:
        print("stopped" if stop(directory) else "nothing of ours runs here")
        return 0
    if arguments[:2] != ["ray", "start"]:
        print(f"infra.node: arguments must be 'stop' or 'ray start …', got {arguments}", file=sys.stderr)
        return 2
    if not any(argument.startswith("--num-cpus") for argument in arguments):
        arguments = [*arguments, f"--num-cpus={cores.available()}"]  # Ray would count the machine's
    try:
        print(f"Ray runs as process {start(arguments, directory).pid}")
    except (NodeError, OSError) as error:
        print(f"infra.node: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main(sys.argv[1:]))
