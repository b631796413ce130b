"""The environment of a stored run beside the one in which it is trained again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sweeps import provenance
from sweeps.rerun import environment

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
