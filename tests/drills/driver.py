"""The toy study's own command line, with the intervals of a drill: python -m tests.drills.driver ARGUMENTS.

DRILL holds JSON: checkpoint_seconds, lease_seconds and others, see `INTERVALS`; DRILL_LOG where training is recorded.
"""

from __future__ import annotations

import json
import os

from sweeps import cli, execution, lease, trial
from sweeps.toy_robustness import STUDY
from tests.drills import recorded

INTERVALS = {
    "checkpoint_seconds": (execution, "CHECKPOINT_SECONDS"),
    "lease_seconds": (lease, "SECONDS"),
    "mirror_seconds": (cli, "MIRROR_PATIENCE"),
}

if __name__ == "__main__":
    for name, value in json.loads(os.environ.get("DRILL", "{}")).items():
        setattr(*INTERVALS[name], value)
    if recorded.LOG in os.environ:
        execution.train_cohort = recorded.train_cohort
    assert trial  # its workers import it
    cli.main(STUDY)
