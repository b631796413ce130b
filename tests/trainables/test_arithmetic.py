"""The arithmetic by which a cohort trains is known, and goes with its state."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.trainables.factory import run
from trainables.engine import checkpoint
from trainables.engine.cohort import Cohort
from trainables.engine.machine import arithmetic
from trainables.engine.native import build
from trainables.engine.training import Training

CPU = torch.device("cpu")


@pytest.mark.skipif(build.library() is None, reason="needs a C++ compiler")
def test_kernels_say_what_built_them_and_for_which_instructions() -> None:
    found = arithmetic.of(Cohort([run()], CPU))
    assert found["arithmetic"] == "native kernels"
    assert (
        found["compiler"]
        .lower()
        .startswith(("gcc 1", "clang 1", "clang 2", "apple", "debian clang", "ubuntu clang"))
    )
    assert found["instructions"].startswith("kernels ")
    assert torch.backends.cpu.get_cpu_capability() in found["instructions"]
    assert found["processor"]


def test_torchs_operations_have_no_compiler() -> None:
    found = arithmetic.of(Cohort([run()], CPU, native=False))
    assert found["arithmetic"] == "torch operations"
    assert "compiler" not in found
    assert "kernels" not in found["instructions"]


def test_what_began_elsewhere_says_both() -> None:
    here = {"arithmetic": "native kernels", "compiler": "GCC 12"}
    assert arithmetic.joined([here], here) == here
    there = {"arithmetic": "torch operations"}
    both = {"arithmetic": "native kernels / torch operations", "compiler": "GCC 12 / not recorded"}
    assert arithmetic.joined([there], here) == both
    assert arithmetic.joined([both], here) == both


@pytest.mark.parametrize(
    ("earlier", "other"),
    [({"arithmetic": {"arithmetic": "abacus"}}, "abacus"), ({}, "not recorded"), (None, None)],
)
def test_state_of_a_cohort_says_by_what_it_was_trained(
    earlier: dict[str, Any] | None, other: str | None
) -> None:
    training = Training([run()])
    here = training.arithmetic["arithmetic"]
    state = training.state_dict()
    if earlier is not None:
        state = {name: value for name, value in state.items() if name != "arithmetic"} | earlier
    training.load_state_dict({**state, "runs": list(state["runs"])})
    assert training.arithmetic["arithmetic"].split(" / ") == sorted({here, other or here})
    assert checkpoint.read(checkpoint.pack(training))["arithmetic"] == training.arithmetic
