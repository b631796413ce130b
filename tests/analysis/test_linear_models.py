"""Linear models against their definitions, on designs in which terms overlap."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.linear_models import analysis_of_variance, contrasts, logistic_deviance


def residual(values, *columns):
    """Sum of squares that a model with an intercept leaves, by the normal definition of least squares."""
    design = np.column_stack([np.ones(len(values)), *columns])
    return float(np.sum((values - design @ np.linalg.lstsq(design, values, rcond=None)[0]) ** 2))


def test_sums_of_squares_are_of_type_two_where_the_design_is_unbalanced():
    rng = np.random.default_rng(0)
    a = contrasts(pd.Series(rng.choice(["x", "y", "z"], 50, p=[0.6, 0.3, 0.1])))
    b = contrasts(pd.Series(rng.choice([1, 2], 50, p=[0.7, 0.3])))
    values = rng.normal(size=50) + a[:, 0] + 2 * a[:, 1] * b[:, 0]
    both = a * b
    tests = {test.term: test for test in analysis_of_variance(values, {"a": a, "b": b})}
    assert list(tests) == [("a",), ("b",), ("a", "b")]
    assert tests["a",].squares == pytest.approx(residual(values, b) - residual(values, a, b))
    assert tests["b",].squares == pytest.approx(residual(values, a) - residual(values, a, b))
    assert tests["a", "b"].squares == pytest.approx(residual(values, a, b) - residual(values, a, b, both))
    # Two degrees of freedom of the interaction, 50 − 6 of what is left.
    ratio = tests["a", "b"].squares / 2 / (residual(values, a, b, both) / 44)
    assert tests["a", "b"].p == pytest.approx(stats.f.sf(ratio, 2, 44))


def test_logistic_deviance_of_one_factor_is_that_of_its_binomials():
    # 1 of 4, 3 of 6: −2 Σ log likelihood at the shares themselves.
    level = contrasts(pd.Series([0] * 4 + [1] * 6))
    outcomes = np.array([1, 0, 0, 0, 1, 1, 1, 0, 0, 0], float)
    expected = -2 * (np.log(1 / 4) + 3 * np.log(3 / 4) + 6 * np.log(1 / 2))
    assert logistic_deviance(outcomes, [level]) == pytest.approx(expected)


def test_logistic_deviance_goes_to_zero_where_a_level_separates_the_outcomes():
    level = contrasts(pd.Series([0] * 4 + [1] * 6))
    assert logistic_deviance(np.array([0.0] * 4 + [1.0] * 6), [level]) == pytest.approx(0, abs=1e-6)
