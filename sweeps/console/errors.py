"""Bad input is refused in one line that names value, rule and remedy, whatever the value is."""

from __future__ import annotations

import errno
import sys
from typing import NoReturn
from urllib.parse import unquote

from sweeps.console.masking import masked

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Of a disk or a quota."""

LONGEST_LINE = 1_000
LONGEST_URI = 1_000


def check_given(options: object) -> None:
    """Raises ValueError where an option has an empty value, as a shell's unset variable gives it."""
    for name, value in vars(options).items():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, str) and not one.strip():
                raise ValueError(
                    f"--{name.replace('_', '-')} must not be empty, got {one!r}; give a value, or leave the option out"
                )


def check_uri(option: str, uri: str) -> None:
    """Raises ValueError for what no directory or URI should be called, and what filesystems differ in the meaning of."""
    if not uri.isprintable():
        raise ValueError(f"{option} must have no control characters, got {uri!r}; choose another")
    if len(uri) > LONGEST_URI:
        raise ValueError(
            f"{option} must have at most {LONGEST_URI:,} characters, got {len(uri):,}; choose another"
        )
    if "://" in uri and ".." in unquote(uri).split("/"):
        raise ValueError(f"{option} must have no '..' where it is a URI, got {uri!r}; name the folder itself")


def remedy(error: OSError) -> str:
    """What helps against an error of storage, so that the same command can go on from what is stored."""
    again = "give the same command again to continue"
    if error.errno in FULL:
        return f"make room, then {again}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"make it writable, then {again}, or choose another --results"
    if error.errno in (errno.ENAMETOOLONG, errno.ENOTDIR, errno.ELOOP):
        return "choose another --results"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return f"allow more open files (ulimit -n), then {again}"
    if error.errno is None or isinstance(error, ConnectionError | TimeoutError):
        return f"when the storage answers, {again}"
    return f"remove the cause, then {again}"


def one_line(message: str) -> str:
    """A message as one line of characters that a terminal only shows, without secrets."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(masked(message).split()))
    if len(line) > LONGEST_LINE:
        line = f"{line[: LONGEST_LINE // 2]} … {line[-LONGEST_LINE // 2 :]}"
    return line


def refuse(message: str) -> NoReturn:
    """End the process with one line and exit code 2."""
    print(f"error: {one_line(message)}", file=sys.stderr)
    sys.exit(2)
