"""The page on trained models, docs/how_to/models.md, is true: its Python is run, in order, beside a study as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from result_reading import read_runs
from sweeps.execution import trial
from sweeps.planning.cohort_plans import CohortPlan
from sweeps.store import kept_models
from sweeps.store.store import Store
from sweeps.toy_robustness import STUDY
from tests.sweeps.test_trial import FakeTune
from trainables import saved_models

PAGE = (Path(__file__).parents[1] / "docs" / "how_to" / "models.md").read_text()


def test_python_of_the_page_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = STUDY.preset("smoke", iterations=40, limit=1, lambdas=(0.1,), seeds=2)
    runs = tuple(STUDY.declared(preset))
    store = Store(str(tmp_path / "results" / STUDY.name))
    store.create(STUDY.name, STUDY.question, hyper_parameters=STUDY.columns, headline=STUDY.headline)
    kept_models.prepare(store, kept_models.BEST)
    monkeypatch.setattr(trial, "tune", FakeTune())
    settings = {
        "directory": store.uri, "device": "cpu", "slots": 1, "share": 1.0, "checkpoint_seconds": 1e9, "progress_seconds": 0.0, "metrics": None, "keep": "best",
        "git_commit": "abc", "versions": {}, "full_seconds": 0.0, "lease": None, "data_dir": None, "features": None, "sampler": "grid",
    }  # fmt: skip
    trial.train_cohort(trial.planned(CohortPlan(runs, 0, len(runs), 1.0)), {}, settings)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 5
    for block in blocks:
        exec(block, names)
    assert names["x"].shape == (1000, 2)
    loaded = saved_models.load("model.safetensors")
    assert loaded.record.key == names["best"].run_key
    assert loaded.record.key in {row["run_key"] for row in read_runs(store.uri).to_pylist()}
