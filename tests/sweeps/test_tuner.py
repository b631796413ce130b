"""Tune as a study starts it."""

from __future__ import annotations

import subprocess
import sys

COUNTING = """
import sys
from ray import tune
from ray.air._internal import usage
from sweeps.execution.tuner import count_no_callbacks
count_no_callbacks()
print(usage.tag_callbacks([tune.Callback()]), "mlflow" in sys.modules)
"""


def test_counting_callbacks_loads_no_mlflow() -> None:
    told = subprocess.run([sys.executable, "-c", COUNTING], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "False"]
