"""The command line of every study, and the same from Python."""

from sweeps.cli.opened_study import StudyError, open_study
from sweeps.cli.study_command import main

__all__ = ["StudyError", "main", "open_study"]
