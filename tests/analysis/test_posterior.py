"""The section on posteriors, from a store written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import contents
from analysis.rows import load
from analysis.sections.posterior import Posterior, posterior_figure
from result_schema import REFERENCE, SAMPLES
from tests.analysis.made import made

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def bayesian(run: Make, store: Callable[..., Path]) -> Path:
    """Three seeds each of two systems, whose posterior has three coordinates."""
    runs = [
        run(a, 0, lam=0.0, seed=s, inception_score=None, kl_posterior=kl[s])
        for a, kl in (("vae", (1.3, 1.2, 1.4)), ("avb", (0.3, 0.5, 0.4)))
        for s in range(3)
    ]
    where = store(runs, points=60)  # 120 numbers: 40 draws of three coordinates
    manifest = json.loads((where / "study.json").read_text())
    manifest |= {"coordinates": ["μ", "τ", "η"], "shape": [3]}
    (where / "study.json").write_text(json.dumps(manifest))
    return where


def write_truth(where: Path) -> None:
    truth = np.random.default_rng(0).standard_normal((100, 3)).astype(np.float32)
    row = {"run_key": REFERENCE, "points": truth.ravel()}
    pq.write_table(pa.Table.from_pylist([row], SAMPLES), where / "samples" / "reference.parquet")


def test_section_shows_the_median_run_of_each_system_beside_the_truth(bayesian: Path) -> None:
    write_truth(bayesian)
    section = made(Posterior, load(str(bayesian)))
    drawings = section.drawings
    assert [drawing.name for drawing in drawings] == ["posterior_lambda_0"]
    svg = drawings[0].svg.decode()
    for words in ("truth (100 draws)", "VAE, seed 0", "posterior) 1.30", "AVB, seed 2", "posterior) 0.400"):
        assert words in svg
    assert "μ, τ and η" in section.body


def test_section_has_no_figure_without_the_truth_and_is_not_there_for_other_data(
    bayesian: Path, run: Make, study: Callable[..., Any]
) -> None:
    part = made(Posterior, load(str(bayesian)))
    assert part.body
    assert part.drawings == []
    assert not made(Posterior, study([run("vae", 0)])).body


def test_report_of_a_posterior_leaves_out_what_is_of_generated_points(bayesian: Path) -> None:
    write_truth(bayesian)
    files = contents.build(load(str(bayesian))).files
    assert {"posterior_lambda_0.png", "learning.png"} <= files.keys()
    assert "samples_lambda_0.png" not in files
    assert "KL(q ‖ posterior)" in files["summary.md"].decode()


def test_figure_has_a_row_per_marginal_and_says_when_draws_have_no_density() -> None:
    truth = np.random.default_rng(1).standard_normal((50, 3)).astype(np.float32)
    figure = posterior_figure([("truth", "black", truth), ("stuck", "red", np.zeros_like(truth))], "abc")
    assert len(figure.axes) == 4
    assert [a.get_xlabel() for a in figure.axes] == ["a", "a", "b", "b"]
    assert any(text.get_text() == "draws on a line" for text in figure.axes[1].texts)
