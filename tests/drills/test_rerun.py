"""Drill 13: stored runs trained again from their records alone."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from result_reading import read_runs
from tests.drills.harness import Drill, record

pytestmark = pytest.mark.drill
STUDY = ("--preset", "smoke", "--limit", "6")


def again(drill: Drill, run_key: str, results: Path | None = None) -> tuple[int, str]:
    """Exit code and output of `python -m sweeps.cli.rerun`."""
    done = subprocess.run(
        [sys.executable, "-m", "sweeps.cli.rerun", run_key, "--results", str(results or drill.results)],
        env=drill.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_five_random_rows_are_equal_to_the_bit_when_they_are_trained_again(tmp_path: Path) -> None:
    drill = Drill(tmp_path, *STUDY)
    drill.finish()
    rows = read_runs(str(drill.results)).to_pylist()
    chosen = random.Random(1).sample(rows, 5)
    answers = [again(drill, row["run_key"]) for row in chosen]
    equal = sum(
        code == 0 and "equal to the bit; the environment is the same" in text for code, text in answers
    )

    elsewhere = (
        tmp_path / "elsewhere"
    )  # as if it had been trained with another torch, and stored another value
    shutil.copytree(drill.results, elsewhere)
    file = elsewhere / "runs" / f"{chosen[0]['cohort_key']}.parquet"
    table = pq.read_table(file)
    changed = [
        {
            **row,
            "versions": row["versions"].replace('"torch": "', '"torch": "1.'),
            "mse_x": row["mse_x"] * (1 + 2**-52),
        }
        for row in table.to_pylist()
    ]
    pq.write_table(pa.Table.from_pylist(changed, schema=table.schema), file)
    code, text = again(drill, chosen[0]["run_key"], elsewhere)
    assert code == 1
    assert re.search(r"not equal   mse_x: \S+ stored, \S+ now", text)
    assert re.search(r"environment torch: 1\.2\S+ then, 2\S+ now", text)
    assert text.rstrip().endswith("1 values differ; the environment is another one")

    code, text = again(drill, "0123")
    assert code == 2
    assert text.count("\n") == 1
    assert "run key must be one of the 12 runs of" in text
    record(
        13, "Five random rows re-run from their records",
        "metrics bitwise equal on CPU in the same environment, a clear statement of what differs otherwise",
        f"{equal} of 5 equal to the bit, trained in cohorts of {', '.join(str(r['cohort_size']) for r in chosen)} and again "
        "alone; a change of the last bit of one metric, and another torch, are named",
        "test_rerun.py::test_five_random_rows_are_equal_to_the_bit_when_they_are_trained_again",
    )  # fmt: skip
    assert equal == 5, answers
