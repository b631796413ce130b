"""A study's own command line, with the intervals of a drill: python -m tests.drills.driver ARGUMENTS.

DRILL holds JSON: checkpoint_seconds, lease_seconds, mirror_seconds; DRILL_LOG where training is recorded; DRILL_STUDY the module of
the study, the toy study's where it is not set.
"""

from __future__ import annotations

import importlib
import json
import os
from typing import Any

from sweeps.cli import ending, study_command
from sweeps.execution.cluster import connect
from sweeps.planning.slots import Slots
from sweeps.store import lease


def connect_and_record(*arguments: Any) -> Slots:
    """As the study does; what imports Ray is prepared afterwards, for Ray reads its settings when it is imported."""
    slots = connect(*arguments)
    from sweeps.execution import tuner
    from tests.drills import recorded

    tuner.CHECKPOINT_SECONDS = intervals.get("checkpoint_seconds", tuner.CHECKPOINT_SECONDS)
    tuner.train_cohort = recorded.train_cohort
    return slots


if __name__ == "__main__":
    intervals = json.loads(os.environ["DRILL"])
    lease.SECONDS = intervals.get("lease_seconds", lease.SECONDS)
    ending.MIRROR_PATIENCE = intervals.get("mirror_seconds", ending.MIRROR_PATIENCE)
    study_command.connect = connect_and_record
    module = importlib.import_module(os.environ.get("DRILL_STUDY", "sweeps.toy_robustness"))
    study_command.main(module.STUDY)
