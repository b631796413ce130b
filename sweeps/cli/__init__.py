"""The command line of every study."""

from sweeps.cli.study_command import main

__all__ = ["main"]
