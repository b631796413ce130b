"""Paths that an option names, or else a variable of the environment, for this process and those that it starts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class NamedPath:
    """A path by the variable of this name."""

    variable: str

    def named(self) -> str | None:
        """The path that was named, whether it is there or not; None where none was."""
        return os.environ.get(self.variable) or None

    @contextlib.contextmanager
    def using(self, path: str | None) -> Iterator[None]:
        """Has this process, and those that it starts, take a path; None for the one that the variable names.

        Relative paths are made absolute: trials have working directories of their own.
        """
        before, path = os.environ.get(self.variable), path or self.named()
        if path is not None:
            os.environ[self.variable] = str(Path(path).expanduser().absolute())
        try:
            yield
        finally:
            if before is not None:
                os.environ[self.variable] = before
            else:
                os.environ.pop(self.variable, None)
