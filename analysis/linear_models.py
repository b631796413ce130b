"""Linear models of factors: sums of squares of type II, tests of main effects in their strata, and the logistic regression.

Pure functions on arrays; factors come as their sum-to-zero contrasts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.measures import Floats

Term = tuple[str, ...]
"""One factor, or two that interact."""

_MOST_STEPS = 50
_CONVERGED = 1e-8
"""Change of the deviance from one step of the logistic regression to the next, below which it ends."""


@dataclass(frozen=True)
class Squares:
    """One term of an analysis of variance.

    Attributes:
        term: its factors.
        squares: its sum of squares of type II.
    """

    term: Term
    squares: float


def contrasts(column: pd.Series) -> Floats:
    """Sum-to-zero contrasts of a factor: [n, levels − 1] of 1, 0 and −1 for the last level."""
    codes, levels = pd.factorize(column, sort=True)
    coding = np.vstack([np.eye(len(levels) - 1), -np.ones(len(levels) - 1)])
    return np.asarray(coding[codes])


def analysis_of_variance(values: Floats, factors: Mapping[str, Floats]) -> list[Squares]:
    """Every main effect and two-way interaction: what it adds to all other terms but those that contain it.

    Args:
        values: [n].
        factors: name -> its contrasts [n, levels − 1].

    Returns:
        Terms in order of the factors, interactions after them; nothing where the values cannot tell the terms apart.
    """
    columns: dict[Term, Floats] = {(name,): own for name, own in factors.items()}
    for first, second in combinations(factors, 2):
        products = factors[first][:, :, None] * factors[second][:, None, :]
        columns[first, second] = products.reshape(len(values), -1)
    design = np.column_stack([np.ones(len(values)), *columns.values()])
    if len(values) <= design.shape[1]:
        return []
    # All models have the same columns or fewer: one triangle, as wide as the design is, stands for its n rows.
    triangle = _triangle(np.column_stack([design, values]))
    if np.linalg.matrix_rank(triangle[:, :-1]) < design.shape[1]:
        return []
    owners = np.array([-1, *(i for i, own in enumerate(columns.values()) for _ in range(own.shape[1]))])

    def residual(left_out: Sequence[int]) -> float:
        kept = np.append(~np.isin(owners, left_out), True)
        return float(_triangle(triangle[:, kept])[-1, -1] ** 2)

    error = residual([])
    found = []
    for i, term in enumerate(columns):
        containing = [j for j, other in enumerate(columns) if set(term) < set(other)]
        squares = residual([i, *containing]) - (residual(containing) if containing else error)
        found.append(Squares(term, squares))
    return found


def between_units(values: Floats, factors: Mapping[str, Floats]) -> dict[str, float]:
    """p of the main effect of each factor that units differ by: F tests against what they differ by beyond all main effects.

    Args:
        values: [k], one per unit, such as its mean over everything within it.
        factors: name -> its contrasts [k, levels − 1].

    Returns:
        NaN for all where there are too few units to tell the factors apart.
    """
    design = np.column_stack([np.ones(len(values)), *factors.values()])
    freedom = len(values) - design.shape[1]
    if freedom <= 0 or np.linalg.matrix_rank(design) < design.shape[1]:
        return dict.fromkeys(factors, np.nan)

    def residual(left_out: str | None) -> float:
        kept = np.column_stack(
            [np.ones(len(values)), *(own for name, own in factors.items() if name != left_out)]
        )
        return float(np.sum((values - kept @ np.linalg.lstsq(kept, values, rcond=None)[0]) ** 2))

    error = residual(None)
    return {
        name: _f_test(residual(name) - error, own.shape[1], error, freedom) for name, own in factors.items()
    }


def within_units(table: Floats) -> float:
    """p of a factor that varies within units: its levels' differences against how much these differ between units.

    Two levels: the paired t test. More: F with one degree of freedom and k − 1, the bound that holds whatever the
    covariance of the levels is (Geisser & Greenhouse 1958).

    Args:
        table: [k, levels], a mean per unit and level; units that lack a level (NaN) are left out.
    """
    table = table[~np.isnan(table).any(axis=1)]
    units = len(table)
    if units < 2:
        return float("nan")
    levels = table.mean(axis=0) - table.mean()
    residuals = table - table.mean(axis=1, keepdims=True) - levels
    return _f_test(units * float(np.sum(levels**2)), 1, float(np.sum(residuals**2)), units - 1)


def _f_test(squares: float, df: int, error: float, freedom: int) -> float:
    """p; 1 where there is nothing to test, 0 where there is no error."""
    if error <= 0:
        return 1.0 if squares <= 0 else 0.0
    return float(stats.f.sf(squares / df / (error / freedom), df, freedom))


def _triangle(matrix: Floats) -> Floats:
    """R of the QR decomposition of a matrix."""
    return np.asarray(np.linalg.qr(matrix, mode="r"))


def logistic_deviance(outcomes: Floats, columns: Sequence[Floats]) -> float:
    """Deviance of the logistic model of outcomes [n], 0 or 1, on an intercept and columns, each [n, k].

    Fitted by iteratively reweighted least squares; where levels separate the outcomes it is the limit that 50 steps reach.
    """
    design = np.column_stack([np.ones(len(outcomes)), *columns])
    means = (outcomes + 0.5) / 2
    deviance = np.inf
    for _ in range(_MOST_STEPS):
        weights = means * (1 - means)
        odds = np.log(means / (1 - means)) + (outcomes - means) / weights
        root = np.sqrt(weights)
        solution = np.linalg.lstsq(design * root[:, None], odds * root, rcond=None)[0]
        least = np.finfo(float).eps
        means = np.clip(1 / (1 + np.exp(-design @ solution)), least, 1 - least)
        before, deviance = deviance, float(-2 * np.sum(np.log(np.where(outcomes == 1, means, 1 - means))))
        if abs(before - deviance) <= _CONVERGED:
            break
    return deviance
