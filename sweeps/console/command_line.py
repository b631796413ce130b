"""A command's options read from its command line, and its help laid out as it is written."""

from __future__ import annotations

import contextlib
import inspect
import io
import re
import sys
from collections.abc import Sequence
from typing import TypeVar

import tyro

from sweeps.console.errors import refuse

OptionsType = TypeVar("OptionsType")


def read(
    kind: type[OptionsType], prog: str, description: str, arguments: Sequence[str] | None = None
) -> OptionsType:
    """Options of a dataclass; a bad one ends the process with one line and exit code 2.

    Args:
        kind: the dataclass.
        prog: name of the command.
        description: printed above the options on --help, line by line as it is.
        arguments: of the command; by default those of the process.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if {"-h", "--help"} & set(arguments):  # tyro would run its lines together
        print(inspect.cleandoc(description), end="\n\n")
    try:
        return parsed(kind, prog, arguments)
    except ValueError as error:
        refuse(f"{error} (try --help)")


def parsed(kind: type[OptionsType], prog: str, arguments: Sequence[str]) -> OptionsType:
    """Options of a dataclass. Raises ValueError where one is bad.

    Args:
        kind, prog: as of `read`.
        arguments: of the command.
    """
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            return tyro.cli(kind, args=arguments, prog=prog, description="")
    except SystemExit as end:
        if not end.code:
            raise
        words = re.sub(r"[^\w\s.,:;'\"/()<>=|{}\[\]…-]|[╭╮╰╯│─]", " ", errors.getvalue())
        cause = re.split(r"Argument helptext|For full helptext", " ".join(words.split()))[0]
        raise ValueError(cause.strip()) from None
