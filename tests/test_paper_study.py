"""The stored rows of the paper's study stay what they are: found by their keys, of version 1, all in their report, and trained by
the same code as runs that are added to them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from analysis import rows
from analysis.versions import Superseded
from result_reading import read_runs
from result_schema import VERSION
from sweeps.toy_robustness import STUDY
from tests.trainables.factory import run
from trainables.engine.cohort import Cohort
from trainables.engine.native import block

PAPER = str(Path(__file__).parents[1] / "docs" / "paper_study")


@pytest.fixture(scope="module")
def stored() -> dict[str, dict[str, object]]:
    return {row["run_key"]: row for row in read_runs(PAPER).to_pylist()}


def test_every_stored_run_has_the_key_that_its_declaration_gives_now(
    stored: dict[str, dict[str, object]],
) -> None:
    declared = {each.key: each for each in STUDY.declared(STUDY.preset("paper"))}
    assert len(stored) == 5760
    assert stored.keys() == declared.keys()
    for key, one in declared.items():
        row, configuration = stored[key], one.configuration
        assert (row["algorithm"], row["lam"], row["seed"]) == (one.algorithm, one.lam, one.seed)
        assert (row["budget"], row["configuration_key"]) == (one.budget, configuration.key)


def test_every_stored_run_is_of_version_1_and_in_the_report(stored: dict[str, dict[str, object]]) -> None:
    assert {row[VERSION] for row in stored.values()} == {1}
    study = rows.load(PAPER)
    assert set(study.runs["run_key"]) == set(stored)
    assert study.superseded == Superseded()


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [("svae_r", "4b263596c1413a85"), ("alice", "33a31334503ad6a8"), ("svae", "433cdf6378380e95"), ("ali", "849c426e26164dfa")],
)  # fmt: skip
def test_losses_of_the_study_are_lowered_to_the_same_text(algorithm: str, digest: str) -> None:
    # Their bits depend on it, and it is their key among compiled libraries. Another torch may trace another text.
    cohort = Cohort([run(algorithm)], torch.device("cpu"))
    for player, expected in (("critic", "5d138d10c7c17efb"), ("autoencoder", digest)):
        source = block._lowered(cohort, player, algorithm).source
        assert hashlib.sha256(source.encode()).hexdigest()[:16] == expected
