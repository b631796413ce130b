"""Two linear models of factors: the analysis of variance with sums of squares of type II, and the logistic regression.

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
class Test:
    """One term of an analysis of variance.

    Attributes:
        term: its factors.
        squares: its sum of squares of type II.
        p: of its F test.
    """

    term: Term
    squares: float
    p: float


def contrasts(column: pd.Series) -> Floats:
    """Sum-to-zero contrasts of a factor: [n, levels − 1] of 1, 0 and −1 for the last level."""
    codes, levels = pd.factorize(column, sort=True)
    coding = np.vstack([np.eye(len(levels) - 1), -np.ones(len(levels) - 1)])
    return np.asarray(coding[codes])


def analysis_of_variance(values: Floats, factors: Mapping[str, Floats]) -> list[Test]:
    """Every main effect and two-way interaction: what it adds to all other terms but those that contain it.

    Args:
        values: [n].
        factors: name -> its contrasts [n, levels − 1].

    Returns:
        Tests in order of the factors, interactions after them; nothing where the values cannot tell the terms apart.
    """
    columns: dict[Term, Floats] = {(name,): own for name, own in factors.items()}
    for first, second in combinations(factors, 2):
        products = factors[first][:, :, None] * factors[second][:, None, :]
        columns[first, second] = products.reshape(len(values), -1)
    design = np.column_stack([np.ones(len(values)), *columns.values()])
    freedom = len(values) - design.shape[1]
    if freedom <= 0:
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
    tests = []
    for i, term in enumerate(columns):
        containing = [j for j, other in enumerate(columns) if set(term) < set(other)]
        squares = residual([i, *containing]) - (residual(containing) if containing else error)
        df = int(np.sum(owners == i))
        tests.append(Test(term, squares, float(stats.f.sf(squares / df / (error / freedom), df, freedom))))
    return tests


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
