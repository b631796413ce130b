"""Best of k chosen on one seed and measured on the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from analysis.fragility.fresh_seeds import reevaluated
from analysis.rows import Rows
from tests.analysis.measures import INCEPTION

Run = Callable[..., dict[str, Any]]
Study = Callable[..., Rows]


def test_score_that_is_luck_alone_is_lost_on_fresh_seeds(run: Run, study: Study) -> None:
    # Seed 0 scores 1, 2, 3, 4; seed 1 the same in reverse: what one chooses is the worst of the other.
    found = study([
        run("alice", c, seed=seed, inception_score=[1 + c, 4 - c][seed]) for c in range(4) for seed in range(2)
    ])  # fmt: skip
    one, four = reevaluated(found, "alice", 0.1, INCEPTION, (1, 4, 16))
    assert (one.chosen.point, one.fresh.point) == (pytest.approx(2.5), pytest.approx(2.5))
    # Best of four draws of 1 … 4: 4 − (1 + 2⁴ + 3⁴) / 4⁴
    best = 4 - 98 / 256
    assert four.chosen.point == pytest.approx(best)
    assert four.fresh.point == pytest.approx(5 - best)
    assert four.lost.point == pytest.approx(5 - 2 * best)


def test_ties_of_the_choosing_seed_are_drawn_alike(run: Run, study: Study) -> None:
    found = study([
        run("alice", c, seed=seed, inception_score=[3.0, [1.0, 2.0, 3.0, 4.0][c]][seed]) for c in range(4) for seed in range(2)
    ])  # fmt: skip
    # Seed 0 cannot tell: 2.5 whatever k. Seed 1 can, and finds 3 on seed 0.
    for one in reevaluated(found, "alice", 0.1, INCEPTION, (1, 4)):
        assert one.fresh.point == pytest.approx((2.5 + 3.0) / 2)


def test_diverged_fresh_seed_counts_as_the_worst_value_of_any_system(run: Run, study: Study) -> None:
    rows = [run("alice", c, seed=s, inception_score=4.0) for c in range(3) for s in range(2)]
    rows += [run("svae_r", c, seed=s, inception_score=2.0) for c in range(3) for s in range(2)]
    rows[1] = run("alice", 0, seed=1, outcome="DIVERGED")
    one = reevaluated(study(rows), "alice", 0.1, INCEPTION, (1,))[0]
    assert one.fresh.point == pytest.approx((5 * 4.0 + 2.0) / 6)


def test_one_seed_has_nothing_fresh(run: Run, study: Study) -> None:
    assert reevaluated(study([run("alice", c) for c in range(4)]), "alice", 0.1, INCEPTION, (1,)) == []


def test_one_configuration_is_not_chosen_and_loses_nothing_to_rounding(run: Run, study: Study) -> None:
    rows = [
        run("alice", c, seed=s, inception_score=4 + ((7 * c + 3 * s) % 11) / 10)
        for c in range(9)
        for s in range(3)
    ]
    lost = reevaluated(study(rows), "alice", 0.1, INCEPTION, (1,))[0].lost
    assert (lost.point, lost.low, lost.high) == (0.0, 0.0, 0.0)
