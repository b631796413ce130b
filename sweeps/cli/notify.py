"""Tells a web address or a command how a study ended. What goes wrong there is one line, and nothing else."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from result_files import below
from sweeps.cli.ending import INTERRUPTED, TERMINATED, Ending
from sweeps.console.errors import one_line
from sweeps.store import provenance
from sweeps.strategies.base import Strategy

SECONDS = 30.0
"""Seconds that a web address or a command has; a study that has ended does not wait longer."""

WORDS = {0: "finished", INTERRUPTED: "interrupted", TERMINATED: "stopped"}
"""Exit code of a study -> its outcome; any other is `failed`."""


def check(hook: str | None) -> None:
    """Raises ValueError where a hook is no web address and no command that is here: after hours it would be too late."""
    if hook is None or _is_address(hook):
        return
    try:
        command = shlex.split(hook)
    except ValueError as error:
        raise ValueError(
            f"--notify must be a command as a shell reads it ({error}), got {_shown(hook)!r}"
        ) from None
    if not command or shutil.which(command[0]) is None:
        raise ValueError(f"--notify must be a web address (http://… or https://…), or a command that is here, got {_shown(hook)!r}")  # fmt: skip


def told(hook: str | None, strategy: Strategy, ending: Ending, work: Callable[[], int]) -> int:
    """Calls a study's work, tells the hook how it ended, whether it returned or raised, and returns its exit code.

    Args:
        hook: a web address or a command; None for none.
        strategy: what was to be trained.
        ending: the end of the study's call.
        work: trains, mirrors and reports.
    """
    started_at = datetime.now(UTC)
    code, error = 1, ""
    try:
        code = work()
    except KeyboardInterrupt:
        code = INTERRUPTED
        raise
    except BaseException as raised:
        error = one_line(f"{type(raised).__name__}: {raised}")
        raise
    finally:
        if hook is not None:
            _tell(hook, strategy, ending, started_at, code, error)
    return code


def _tell(hook: str, strategy: Strategy, ending: Ending, started_at: datetime, code: int, error: str) -> None:
    try:
        body = json.dumps(_content(strategy, ending, started_at, code, error), ensure_ascii=False).encode()
        if _is_address(hook):
            _post(hook, body)
        else:
            _call(hook, body)
    except Exception as trouble:  # whatever it is, the study has ended as it has
        ending.console.print(f"notify    failed: {_shown(hook)}: {one_line(str(trouble))}", markup=False)
    else:
        ending.console.print(f"notified  {_shown(hook)}", markup=False)


def _content(
    strategy: Strategy, ending: Ending, started_at: datetime, code: int, error: str
) -> dict[str, Any]:
    """What is told."""
    counts: Counter[str] = strategy.outcomes(strategy.stored(ending.store))
    outcome = WORDS.get(code, "failed")
    words = ", ".join(f"{n:,} {name}" for name, n in sorted(counts.items()) if n)
    there, path = ending.store.filesystem, f"{ending.store.path}/report/report.html"
    report = below(ending.store.uri_for_workers, "report/report.html")
    return {
        "text": f"{ending.study} {outcome}: {counts.total():,} of {strategy.declared:,} runs ({words or 'none'})",
        "study": ending.study,
        "outcome": outcome,
        "exit_code": code,
        "error": error,
        "results": ending.store.uri_for_workers,
        "report": report if there.get_file_info(path).is_file else None,
        "declared": strategy.declared,
        "counts": {str(name): n for name, n in counts.items() if n},
        "started_at": started_at.isoformat(),
        "ended_at": datetime.now(UTC).isoformat(),
        "git_commit": provenance.git_commit(),
    }


def _post(address: str, body: bytes) -> None:
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(request, timeout=SECONDS):
        pass


def _call(command: str, body: bytes) -> None:
    done = subprocess.run(shlex.split(command), input=body, capture_output=True, timeout=SECONDS, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ChildProcessError(f"exit code {done.returncode}{f': {said[-1]}' if said else ''}")


def _is_address(hook: str) -> bool:
    return hook.startswith(("http://", "https://"))


def _shown(hook: str) -> str:
    """A hook without what may be secret: paths of web addresses, arguments of commands."""
    if "://" in hook.split(" ")[0]:
        return f"{urlsplit(hook).scheme}://{urlsplit(hook).hostname}/…"
    return hook.split(" ")[0]
