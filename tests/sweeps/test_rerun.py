"""The environment of a stored run beside the one in which it is trained again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sweeps.cli import rerun
from sweeps.cli.rerun import environment
from sweeps.store import provenance
from sweeps.store.store import Store
from tests.trainables.factory import run
from trainables import objectives
from trainables.engine.training import Result

HERE = {
    "arithmetic": "native kernels",
    "compiler": "GCC 12.2.0",
    "instructions": "kernels AVX2 FMA, torch AVX2",
}


def row(**versions: str) -> dict[str, Any]:
    both = {**provenance.versions(), **versions}
    return {"versions": json.dumps(both), "device": "cpu", "git_commit": provenance.git_commit()}


def test_the_same_environment_is_the_same() -> None:
    assert environment(row(**HERE), "cpu", HERE) == ({}, [])


@pytest.mark.parametrize(("name", "then"), [("instructions", "kernels AVX-512, torch AVX512"), ("compiler", "GCC 13"), ("torch", "1.0")])  # fmt: skip
def test_another_arithmetic_is_another_environment(name: str, then: str) -> None:
    other, unknown = environment(row(**{**HERE, name: then}), "cpu", HERE)
    assert other == {name: (then, {**provenance.versions(), **HERE}[name])}
    assert unknown == []


def test_kernels_and_torchs_operations_are_not_the_same_environment() -> None:
    there = {"arithmetic": "torch operations", "instructions": "torch AVX2"}
    other, unknown = environment(row(**there), "cpu", HERE)
    assert set(other) == {"arithmetic", "compiler", "instructions"}
    assert other["compiler"] == (None, "GCC 12.2.0")
    assert unknown == []


def test_a_record_that_does_not_say_its_arithmetic_is_not_said_to_be_the_same() -> None:
    assert environment(row(), "cpu", HERE) == ({}, ["arithmetic", "compiler", "instructions"])


def test_a_run_of_an_earlier_version_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, store = run("alice"), Store(str(tmp_path / "test"))
    store.create(old.study, "?")
    result = Result(old, None, old.budget, {"mse_x": 0.5}, [], np.zeros((0, 2), np.float32), 1.0)
    origin = {"device": "cpu", "git_commit": "abc1234", "versions": {}, "started_at": datetime.now(UTC)}
    store.write([result], "cohort", **origin)
    key = old.key
    assert rerun.find(store.uri, key)[0] == old
    monkeypatch.setattr(type(objectives.find("alice")), "version", 2)
    assert rerun.main(rerun.Options(key, store.uri)) == 2
    assert capsys.readouterr().err == (
        f"sweeps.cli.rerun: run {key} must be of version 2 of alice, which is here, but is of version 1; "
        "use commit abc1234, at which it was trained\n"
    )
