"""Linear models of factors: sums of squares of type II, tests of main effects in their strata, and the logistic regression.

Pure functions on arrays; factors come as their sum-to-zero contrasts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.vocabulary import Floats

Mask = npt.NDArray[np.bool_]

Term = tuple[str, ...]
"""One factor, or two that interact."""

_LEAST_TOLERANCE = 1e-9
"""Part of a column's variance that the others leave, below which it is taken for one that they determine."""

_MOST_STEPS = 50
_CONVERGED = 1e-8
"""Change of the deviance from one step of the logistic regression to the next, below which it ends."""


RESIDUAL: Term = ()
"""Differences that neither main effects nor two-way interactions explain."""


def contrasts(column: pd.Series) -> Floats:
    """Sum-to-zero contrasts of a factor: [n, levels − 1] of 1, 0 and −1 for the last level."""
    codes, levels = pd.factorize(column, sort=True)
    coding = np.vstack([np.eye(len(levels) - 1), -np.ones(len(levels) - 1)])
    return np.asarray(coding[codes])


def terms(names: Sequence[str]) -> list[Term]:
    """Main effects in order of the factors, two-way interactions, and RESIDUAL."""
    return [*((name,) for name in names), *combinations(names, 2), RESIDUAL]


@dataclass(frozen=True)
class Cells:
    """Values of rows, those with the same factors and unit together: nothing else of them is in a linear model.

    Attributes:
        means: of each cell, [c].
        counts: rows of each, [c].
        within: sum of squares of each cell's rows about its mean, [c].
    """

    means: Floats
    counts: Floats
    within: Floats

    @classmethod
    def of(cls, values: Floats, cell: npt.NDArray[np.intp]) -> Cells:
        """Of values [n] in cells [n], numbered 0 … c − 1."""
        counts = np.bincount(cell).astype(float)
        means = np.bincount(cell, values) / counts
        within = np.bincount(cell, (values - means[cell]) ** 2)
        return cls(means, counts, np.asarray(within, float))

    @property
    def rows(self) -> int:
        return int(self.counts.sum())

    @property
    def mean(self) -> float:
        return float(np.sum(self.counts * self.means) / self.counts.sum())

    @property
    def squares(self) -> float:
        """Sum of squares of all rows about their mean."""
        return float(np.sum(self.counts * (self.means - self.mean) ** 2) + self.within.sum())

    def among(self, kept: Mask) -> Cells:
        """Some of the cells [c]."""
        return Cells(self.means[kept], self.counts[kept], self.within[kept])


def analysis_of_variance(
    values: Cells, factors: Mapping[str, Floats], groups: Sequence[Mask] = ()
) -> Floats | None:
    """Sums of squares of type II: what each term adds to all others but those that contain it, and the residual.

    Args:
        values: in c cells.
        factors: name -> its contrasts [c, levels − 1].
        groups: of cells, each [c], left out one at a time.

    Returns:
        [1 + g, T], in order of `terms`: of all rows, and without each group, NaN where the others cannot tell the terms
        apart. None where all rows cannot.
    """
    columns: dict[Term, Floats] = {(): np.ones((len(values.means), 1))}
    columns |= {(name,): own for name, own in factors.items()}
    for first, second in combinations(factors, 2):
        products = factors[first][:, :, None] * factors[second][:, None, :]
        columns[first, second] = products.reshape(len(values.means), -1)
    owners = np.repeat(np.arange(len(columns)), [own.shape[1] for own in columns.values()])
    if values.rows <= len(owners):
        return None
    # All that models of the same columns take of n rows is their products, as many as columns squared.
    table = np.column_stack([*columns.values(), values.means - values.mean])
    table *= np.sqrt(values.counts)[:, None]

    def products_of(cells: Mask | slice) -> Floats:
        found = np.asarray(table[cells].T @ table[cells])
        found[-1, -1] += values.within[cells].sum()
        return found

    whole = products_of(slice(None))
    if not _identified(whole):
        return None
    without = [whole - products_of(group) for group in groups]
    identified = [True, *map(_identified, without)]
    found = np.full((1 + len(groups), len(columns)), np.nan)
    found[identified] = _squares(np.stack([whole, *without])[identified], owners, list(columns))
    return found


def _identified(products: Floats) -> bool:
    """Whether no column but the last is determined by the others, of the products [p + 1, p + 1] of them all."""
    design = products[:-1, :-1]
    size = np.sqrt(np.diag(design))
    if not size.all():
        return False
    try:
        left = np.diag(np.linalg.cholesky(design / np.outer(size, size)))
    except np.linalg.LinAlgError:
        return False
    return bool(left.min() ** 2 > _LEAST_TOLERANCE)


def _squares(products: Floats, owners: npt.NDArray[np.intp], columns: Sequence[Term]) -> Floats:
    """The sums of squares [b, T] of products [b, p + 1, p + 1], the values last, of columns [p] of the terms by number."""

    def solved(kept: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
        inverse = np.asarray(np.linalg.inv(products[:, kept[:, None], kept]))
        return inverse, np.einsum("bij,bj->bi", inverse, products[:, kept, -1])

    everything = np.arange(len(owners))
    full = solved(everything)
    found = {RESIDUAL: products[:, -1, -1] - np.einsum("bi,bi->b", full[1], products[:, :-1, -1])}
    for number, term in enumerate(columns[1:], 1):
        containing = [i for i, other in enumerate(columns) if set(term) < set(other)]
        kept = everything[~np.isin(owners, containing)]
        inverse, solution = solved(kept) if containing else full
        own = np.flatnonzero(owners[kept] == number)
        part = solution[:, own, None]
        found[term] = np.sum(part * np.linalg.solve(inverse[:, own[:, None], own], part), axis=(1, 2))
    names = [name for term in columns for name in term if len(term) == 1]
    return np.stack([found[term] for term in terms(names)], axis=1)


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

    error, none = residual(None), _rounding(values)
    return {
        name: _f_test(residual(name) - error, own.shape[1], error, freedom, none)
        for name, own in factors.items()
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
    squares, error = units * float(np.sum(levels**2)), float(np.sum(residuals**2))
    return _f_test(squares, 1, error, units - 1, _rounding(table))


def _rounding(values: Floats) -> float:
    """A sum of squares of values of this size that is none but for rounding."""
    return values.size * (1e-12 * float(np.max(np.abs(values)))) ** 2


def _f_test(squares: float, df: int, error: float, freedom: int, none: float) -> float:
    """p; 1 where there is nothing to test, 0 where there is no error; sums of squares up to `none` are none."""
    if error <= none:
        return 1.0 if squares <= none else 0.0
    return float(stats.f.sf(squares / df / (error / freedom), df, freedom))


def logistic_deviance(shares: Floats, columns: Sequence[Floats], counts: Floats) -> float:
    """Deviance of the logistic model of 0 and 1 on an intercept and columns, each [c, k].

    Args:
        shares: of 1 among the rows of each cell, [c].
        columns: of the cells.
        counts: rows of each, [c].

    Fitted by iteratively reweighted least squares; where levels separate the outcomes it is the limit that 50 steps reach.
    """
    design = np.column_stack([np.ones(len(shares)), *columns])
    means = (shares + 0.5) / 2
    deviance = np.inf
    for _ in range(_MOST_STEPS):
        weights = means * (1 - means)
        odds = np.log(means / (1 - means)) + (shares - means) / weights
        root = np.sqrt(counts * weights)
        solution = np.linalg.lstsq(design * root[:, None], odds * root, rcond=None)[0]
        least = np.finfo(float).eps
        means = np.clip(1 / (1 + np.exp(-design @ solution)), least, 1 - least)
        before, deviance = (
            deviance,
            float(-2 * np.sum(counts * (shares * np.log(means) + (1 - shares) * np.log(1 - means)))),
        )
        if abs(before - deviance) <= _CONVERGED:
            break
    return deviance
