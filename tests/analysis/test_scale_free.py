"""Comparisons that do not take λ to weigh the same in two systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from analysis.fragility.scale_free import Curves, at_levels, at_ratio, comparable, curves, volumes
from analysis.rows import Rows
from analysis.sections.scale_free import cells_of
from tests.analysis.measures import INCEPTION, LOG_MSE

Run = Callable[..., dict[str, Any]]
Study = Callable[..., Rows]

LAMBDAS = (0.1, 1.0, 10.0)


def moved(run: Run, study: Study, **changes: Any) -> Rows:
    """ALICE at λ is what sVAE-r is at 10 λ: log10 MSE −1 − log10 λ, and a score that falls by 0.5 a decade."""
    rows = []
    for name, factor in (("svae_r", 1.0), ("alice", 10.0)):
        for c in range(12):
            for lam in LAMBDAS:
                reached = np.log10(lam * factor)
                rows.append(
                    run(name, c, lam, mse_x=10 ** (-1.0 - reached), inception_score=4.5 - 0.5 * reached)
                )
    first = next(row for row in rows if row["algorithm"] == "svae_r" and row["lam"] == 1.0)
    return study([{**row, **changes} if row is first else row for row in rows])


def of(found: Rows) -> Curves:
    return curves(found, "svae_r", "alice", INCEPTION)


def test_curve_that_is_moved_along_lambda_is_equal_at_equal_mse(run: Run, study: Study) -> None:
    found = of(moved(run, study))
    levels = at_levels(found, INCEPTION)
    assert [one.level for one in levels] == [
        pytest.approx(level) for level in (0.01, 0.03, 0.1)
    ]  # crossed by both
    for one in levels:
        assert one.advantage.configurations == 12
        assert one.advantage.median.point == pytest.approx(0, abs=1e-12)
        assert (one.first_only, one.second_only) == (0, 0)


def test_difference_at_a_multiple_of_lambda_is_read_off_the_curve(run: Run, study: Study) -> None:
    found = of(moved(run, study))
    at_lambda = at_ratio(found, INCEPTION, 1.0, 1.0, "x")
    at_twice = at_ratio(found, INCEPTION, 1.0, 2.0, "x")
    assert at_lambda is not None
    assert at_twice is not None
    assert at_lambda.median.point == pytest.approx(0.5)  # sVAE-r at 1: 4.5; ALICE at 1: 4.0
    assert at_twice.median.point == pytest.approx(0.5 - 0.5 * np.log10(2))
    mse = at_ratio(found, LOG_MSE, 1.0, 2.0, "x")
    assert mse is not None
    assert mse.median.point == pytest.approx(1 - np.log10(2))
    assert at_ratio(found, INCEPTION, 10.0, 2.0, "x") is None


def test_one_configuration_has_a_difference_without_an_interval(run: Run, study: Study) -> None:
    rows = [
        run(name, 0, lam, seed=seed, mse_x=10.0**-lam, inception_score=score + seed)
        for name, score in (("svae_r", 3.0), ("alice", 2.5))
        for lam in (0.1, 1.0)
        for seed in range(3)
    ]
    found = at_ratio(of(study(rows)), INCEPTION, 1.0, 1.0, "x")
    assert found is not None
    assert found.median.point == pytest.approx(0.5)
    assert np.isnan([found.median.low, found.median.high]).all()


def test_hypervolume_is_paired_and_measured_from_the_worst_of_the_study(run: Run, study: Study) -> None:
    # sVAE-r: scores 5, 4.5, 4 (−1: 4, 3.5, 3 high) at depth 0, 1, 2 from MSE 1; ALICE one decade deeper, half a point lower.
    volume = volumes(of(moved(run, study)), INCEPTION)
    assert volume is not None
    assert volume.reference == (pytest.approx(1.0), 1.0)
    assert volume.first == pytest.approx(3.5 + 3.0)
    assert volume.advantage.mean.point == pytest.approx(6.5 - (3.5 + 3.0 + 2.5))


def test_divergence_never_improves_its_system(run: Run, study: Study) -> None:
    before, after = (
        of(found)
        for found in (
            moved(run, study),
            moved(run, study, outcome="DIVERGED", mse_x=None, inception_score=None),
        )
    )
    for old, new in zip(at_levels(before, INCEPTION), at_levels(after, INCEPTION), strict=True):
        assert new.advantage.mean.point <= old.advantage.mean.point + 1e-12
        assert new.advantage.configurations == old.advantage.configurations
    volume, less = volumes(before, INCEPTION), volumes(after, INCEPTION)
    assert volume is not None
    assert less is not None
    assert less.advantage.mean.point < volume.advantage.mean.point
    matched = at_ratio(after, LOG_MSE, 1.0, 2.0, "x")
    assert matched is not None
    assert matched.configurations == 12


def test_identical_systems_differ_by_nothing(run: Run, study: Study) -> None:
    rows = [run(name, c, lam, mse_x=0.1 / lam / (1 + c), inception_score=4 - lam / 10 - c / 20)
            for name in ("svae_r", "alice") for c in range(12) for lam in LAMBDAS]  # fmt: skip
    found = of(study(rows))
    for one in at_levels(found, INCEPTION):
        assert (one.advantage.median.point, one.advantage.mean.point, one.advantage.better) == (0, 0, 0.5)
    volume = volumes(found, INCEPTION)
    assert volume is not None
    assert volume.advantage.mean.point == 0


def test_system_without_reconstruction_is_not_compared(run: Run, study: Study) -> None:
    rows = [run("iwgan", c, lam, mse_x=None) for c in range(12) for lam in LAMBDAS]
    rows += [run("gan", c, lam, mse_x=None) for c in range(12) for lam in LAMBDAS]
    assert not comparable(study(rows), "iwgan", "gan")
    assert cells_of(study(rows)) == []
