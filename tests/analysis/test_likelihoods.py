"""Means, intervals and pairs of likelihoods, by hand; and their section."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from analysis.comparison.families import family_of
from analysis.rows import Rows
from analysis.sections.likelihoods import Likelihoods, paired_cells
from analysis.statistics.means import density
from result_schema import FURTHER_METRICS
from tests.analysis.made import made
from tests.analysis.measures import ELBO, LOG_LIKELIHOOD

Make = Callable[..., dict[str, Any]]


def seeds(run: Make, algorithm: str, values: list[float | None], **changes: Any) -> list[dict[str, Any]]:
    """One configuration, a seed per value of the log-likelihood; KL is its negative."""
    return [
        run(algorithm, 0, lam=0.0, seed=seed, **{**dict.fromkeys(FURTHER_METRICS), "log_likelihood": value,
            "kl_z": None if value is None else -value}, **changes)
        for seed, value in enumerate(values)
    ]  # fmt: skip


def rows_of(study: Callable[..., Rows], runs: list[dict[str, Any]]) -> Rows:
    rows = study(runs)
    rows.runs[list(FURTHER_METRICS)] = rows.runs[list(FURTHER_METRICS)].apply(pd.to_numeric)
    return rows


def test_density_is_the_mean_over_seeds_with_its_interval(run: Make, study: Callable[..., Rows]) -> None:
    rows = rows_of(study, seeds(run, "avb", [-1.0, -2.0, -3.0, None]))
    found = density(rows, "avb", 0.0, LOG_LIKELIHOOD)
    assert found is not None
    assert (found.runs, found.mean.point, found.std, found.low, found.high) == (3, -2.0, 1.0, -3.0, -1.0)
    # Student's t of three: 4.303 / √3 = 2.484
    assert (found.mean.low, found.mean.high) == pytest.approx((-4.484, 0.484), abs=1e-3)
    assert density(rows, "avb", 0.0, ELBO) is None


def test_pairs_match_on_seed_and_say_who_is_better(run: Make, study: Callable[..., Rows]) -> None:
    runs = seeds(run, "vae", [-1.5, -1.6, -1.7, -1.8]) + seeds(run, "avb", [-1.4, -1.4, -1.8, None])
    rows = rows_of(study, runs)
    _, cells = paired_cells(rows, family_of(rows))
    by_measure = {row[2]: row for row in cells}
    assert by_measure.keys() == {"log-likelihood", "KL(q(z) ‖ p(z))", "inception score"}
    likelihood = by_measure["log-likelihood"]
    assert (likelihood[1], likelihood[3], likelihood[7]) == ("AVB − VAE", "3", "2 of 3")
    assert likelihood[4] == "mean, 3 seeds"
    assert likelihood[5] == "0.06667"  # (0.1 + 0.2 − 0.1) / 3; three have no bounds
    assert likelihood[6] == "undecided: too few for a bound (3)"
    assert by_measure["KL(q(z) ‖ p(z))"][6:] == ["–", "2 of 3"]  # no verdict; smaller is better: the same two


def test_diverged_runs_have_no_likelihood(run: Make, study: Callable[..., Rows]) -> None:
    rows = rows_of(study, seeds(run, "vae", [-1.0, -1.0], outcome="DIVERGED"))
    assert density(rows, "vae", 0.0, LOG_LIKELIHOOD) is None
    assert not made(Likelihoods, rows).body


def test_section_shows_what_was_published_beside_what_was_obtained(
    run: Make, study: Callable[..., Rows]
) -> None:
    changes = {"data_version": "four_images-v2", "budget": 6000}
    runs = [
        one for a, v in (("vae", [-1.5, -1.6]), ("avb", [-1.4, -1.41])) for one in seeds(run, a, v, **changes)
    ]
    rows = rows_of(study, runs)
    renamed = Rows(
        rows.where, type(rows.manifest)("avb_synthetic", {}), rows.budget, {}, rows.runs, rows.curves
    )
    part = made(Likelihoods, renamed)
    assert "−1.568" in part.body
    assert "AVB − VAE" in part.body
    assert "2 of 2" in part.body
