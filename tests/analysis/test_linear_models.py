"""Linear models against their definitions, on designs in which terms overlap."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.statistics.linear_models import (
    RESIDUAL,
    Cells,
    analysis_of_variance,
    between_units,
    contrasts,
    logistic_deviance,
    terms,
    within_units,
)


def residual(values, *columns):
    """Sum of squares that a model with an intercept leaves, by the normal definition of least squares."""
    design = np.column_stack([np.ones(len(values)), *columns])
    return float(np.sum((values - design @ np.linalg.lstsq(design, values, rcond=None)[0]) ** 2))


def each(values):
    """Values with a cell to each."""
    return Cells.of(values, np.arange(len(values)))


def test_rows_that_agree_in_all_factors_are_one_cell_of_the_same_models():
    rng = np.random.default_rng(0)
    cell = rng.integers(12, size=60)
    a, b = (contrasts(pd.Series(labels)) for labels in (np.arange(12) % 3, np.arange(12) // 6))
    values, group = rng.normal(size=60) + cell, np.arange(12) % 4 == 0
    whole = analysis_of_variance(each(values), {"a": a[cell], "b": b[cell]}, [group[cell]])
    cells = Cells.of(values, cell)
    assert whole is not None
    assert analysis_of_variance(cells, {"a": a, "b": b}, [group]) == pytest.approx(whole)
    assert (cells.rows, cells.squares) == (60, pytest.approx(float(np.sum((values - values.mean()) ** 2))))
    outcomes = (values > 6).astype(float)
    deviance = logistic_deviance(outcomes, [a[cell], b[cell]], np.ones(60))
    shares = Cells.of(outcomes, cell)
    assert logistic_deviance(shares.means, [a, b], shares.counts) == pytest.approx(deviance)


def test_sums_of_squares_are_of_type_two_where_the_design_is_unbalanced():
    rng = np.random.default_rng(0)
    a = contrasts(pd.Series(rng.choice(["x", "y", "z"], 50, p=[0.6, 0.3, 0.1])))
    b = contrasts(pd.Series(rng.choice([1, 2], 50, p=[0.7, 0.3])))
    values = rng.normal(size=50) + a[:, 0] + 2 * a[:, 1] * b[:, 0]
    both = a * b
    left_out = np.arange(50) % 5 == 0
    found = analysis_of_variance(each(values), {"a": a, "b": b}, [left_out])
    assert found is not None
    assert terms(["a", "b"]) == [("a",), ("b",), ("a", "b"), RESIDUAL]
    for line, kept in zip(found, (np.full(50, True), ~left_out), strict=True):
        v, x, y, xy = values[kept], a[kept], b[kept], both[kept]
        adds = [
            residual(v, y) - residual(v, x, y),
            residual(v, x) - residual(v, x, y),
            residual(v, x, y) - residual(v, x, y, xy),
        ]
        assert line == pytest.approx([*adds, residual(v, x, y, xy)])


def test_sums_of_squares_are_none_where_terms_cannot_be_told_apart():
    a, b = (contrasts(pd.Series(levels)) for levels in ([*"xxyyxxyy"], [*"ppqqppqq"]))
    values = np.arange(8.0)
    assert analysis_of_variance(each(values), {"a": a, "b": b}) is None  # one determines the other
    b = contrasts(pd.Series([*"pqpqpqpq"]))
    found = analysis_of_variance(each(values), {"a": a, "b": b}, [np.arange(8) < 4, np.arange(8) % 4 == 0])
    assert found is not None
    assert np.isnan(found).all(axis=1).tolist() == [False, False, True]  # no x with p is left
    assert (
        analysis_of_variance(each(values[:4]), {"a": a[:4], "b": b[:4]}) is None
    )  # four terms of four values


def test_main_effects_between_units_are_f_tests_against_what_main_effects_leave():
    rng = np.random.default_rng(0)
    a, b = (contrasts(pd.Series(rng.choice(list(levels), 40))) for levels in ("xyz", "pq"))
    values = rng.normal(size=40) + a[:, 0]
    found = between_units(values, {"a": a, "b": b})
    error = residual(values, a, b)  # 40 − 4 degrees of freedom
    assert found["a"] == pytest.approx(stats.f.sf((residual(values, b) - error) / 2 / (error / 36), 2, 36))
    assert found["b"] == pytest.approx(stats.f.sf((residual(values, a) - error) / (error / 36), 1, 36))
    assert np.isnan(between_units(values[:4], {"a": a[:4], "b": b[:4]})["a"])


def test_main_effect_within_units_is_the_paired_t_test_of_two_levels():
    table = np.random.default_rng(0).normal([0.0, 0.5], size=(9, 2))
    expected = stats.ttest_rel(table[:, 0], table[:, 1]).pvalue
    assert within_units(np.vstack([table, [1.0, np.nan]])) == pytest.approx(expected)
    assert np.isnan(within_units(table[:1]))


def test_main_effect_within_units_of_more_levels_is_the_classical_f_with_its_fewest_degrees_of_freedom():
    # Level means 1.5, 2, 2.5: squares 2 · (¼ + ¼) = 1. What unit and level leave: ∓½, 0, ±½, squares 4 · ¼ = 1; one degree each.
    assert within_units(np.array([[1.0, 2.0, 3.0], [2.0, 2.0, 2.0]])) == pytest.approx(stats.f.sf(1.0, 1, 1))


def test_what_a_factor_explains_but_for_rounding_leaves_no_error_and_nothing_else_to_test():
    for size in (1e-150, 1.0, 1e12):
        a, b = (contrasts(pd.Series(list(levels) * 10)) for levels in ("xxyy", "pqpq"))
        found = between_units(size * (0.1 + a[:, 0] / 3), {"a": a, "b": b})
        assert found == {"a": 0.0, "b": 1.0}
        assert between_units(np.full(40, 0.1 * size), {"a": a, "b": b}) == {"a": 1.0, "b": 1.0}
        assert within_units(np.array([[0.1, 0.2]] * 7) * size) == 0.0


def test_logistic_deviance_of_one_factor_is_that_of_its_binomials():
    # 1 of 4, 3 of 6: −2 Σ log likelihood at the shares themselves.
    level = contrasts(pd.Series([0] * 4 + [1] * 6))
    outcomes = np.array([1, 0, 0, 0, 1, 1, 1, 0, 0, 0], float)
    expected = -2 * (np.log(1 / 4) + 3 * np.log(3 / 4) + 6 * np.log(1 / 2))
    assert logistic_deviance(outcomes, [level], np.ones(len(outcomes))) == pytest.approx(expected)


def test_logistic_deviance_goes_to_zero_where_a_level_separates_the_outcomes():
    level = contrasts(pd.Series([0] * 4 + [1] * 6))
    assert logistic_deviance(np.array([0.0] * 4 + [1.0] * 6), [level], np.ones(10)) == pytest.approx(
        0, abs=1e-6
    )
