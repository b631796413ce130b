"""Components of variance against analyses of variance worked out by hand, and where there is nothing to decompose."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from analysis.comparison.seed_results import decompose, obstacle
from analysis.importance.components import components
from analysis.rows import Rows, load
from analysis.sections.seeds import Seeds, sentences, tables
from tests.analysis.made import made
from tests.analysis.measures import INCEPTION, KL_POSTERIOR, LOG_MSE

Run = Callable[..., dict[str, Any]]
Study = Callable[..., Rows]


def column(*values: float) -> np.ndarray:
    return np.array(values, float)[:, None]


def test_components_are_mean_squares_set_equal_to_their_expectations() -> None:
    # Means 1, 4, 7 of two seeds each, ∓1 about them: within 6 / 3 = 2, between 2 · (9 + 9) / 2 = 18, (18 − 2) / 2 = 8.
    found = components(column(0, 2, 3, 5, 6, 8), ["a", "a", "b", "b", "c", "c"])
    assert found is not None
    assert (found.configurations, found.rows, found.seeds) == (3, 6, 2)
    assert found.seed.point == pytest.approx(math.sqrt(2))
    assert found.configuration.point == pytest.approx(math.sqrt(8))
    # 8 / (8 + 2 / 2); one seed: 8 / 10, which is 0.8 already.
    assert found.reliability(2).point == pytest.approx(8 / 9)
    assert found.seeds_needed.point == 1
    assert math.isnan(found.seed.low)  # three configurations


def test_unequal_numbers_of_seeds_count_by_n0() -> None:
    # Two, one and one seeds: n0 = (4 − 6 / 4) / 2 = 5/4. Within (1 + 1) / 1 = 2; means 1, 5, 6 about 13/4: between
    # (2 · 81/16 + 49/16 + 121/16) / 2 = 332/32 = 83/8, (83/8 − 2) / (5/4) = 6.7.
    found = components(column(0, 2, 5, 6), [0, 0, 1, 2])
    assert found is not None
    assert found.seeds == pytest.approx(5 / 4)
    assert found.configuration.point == pytest.approx(math.sqrt(6.7))


def test_what_is_alike_at_every_lambda_is_told_from_what_is_not() -> None:
    # Effects that add up to 0 wherever they should: C ∓2, S ∓1, Cλ ∓3, Sλ ∓1/2, of two of each.
    c, s, lam = np.meshgrid([-1, 1], [-1, 1], [-1, 1], indexing="ij")
    values = 2 * c + 1 * s * c + 3 * c * lam + 0.5 * s * c * lam + 10 * lam
    found = components(values.reshape(4, 2).astype(float), [0, 0, 1, 1])
    assert found is not None
    assert found.configuration_lambda is not None
    assert found.seed_lambda is not None
    # Mean squares with 1, 2, 1 and 2 degrees of freedom: 8 · 4 = 32, 8 / 2 = 4, 8 · 9 = 72, 8 · ¼ / 2 = 1.
    assert found.seed_lambda.point == pytest.approx(1)
    assert found.seed.point == pytest.approx(math.sqrt((4 - 1) / 2))
    assert found.configuration_lambda.point == pytest.approx(math.sqrt((72 - 1) / 2))
    assert found.configuration.point == 0  # (32 − 4 − 72 + 1) / 4 < 0


def test_limits_are_of_normal_theory_or_further() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 1)) + rng.normal(size=(40, 3))
    found = components(values.reshape(-1, 1), np.repeat(np.arange(40), 3))
    assert found is not None
    square = values.var(axis=1, ddof=1).mean()
    low, high = square * 80 / stats.chi2.ppf([0.975, 0.025], 80)
    assert 0.8 * math.sqrt(low) < found.seed.low <= math.sqrt(low) * (1 + 1e-9)
    assert math.sqrt(high) * (1 - 1e-9) <= found.seed.high < 1.2 * math.sqrt(high)
    ratio = 3 * values.mean(axis=1).var(ddof=1) / square
    assert found.ratio.point == pytest.approx(ratio)
    assert found.ratio.low <= ratio / stats.f.ppf(0.975, 39, 80) * (1 + 1e-9)
    assert found.reliability(3).point == pytest.approx(1 - 1 / ratio)


def test_configurations_that_do_not_differ_have_no_number_of_seeds() -> None:
    found = components(column(-1, 1, -1, 1, -1, 1), [0, 0, 1, 1, 2, 2])
    assert found is not None
    assert (found.configuration.point, found.reliability(100).point) == (0, 0)
    assert math.isinf(found.seeds_needed.point)


def test_seeds_that_do_not_differ_make_one_seed_enough() -> None:
    found = components(column(1, 1, 2, 2, 3, 3, 4, 4, 5, 5), np.repeat(np.arange(5), 2))
    assert found is not None
    assert (found.seed.point, found.seed.high) == (0, 0)
    assert found.reliability(1).point == 1
    assert found.seeds_needed.point == 1


@pytest.mark.parametrize("units", [[0, 1, 2], [0, 0, 0]])
def test_nothing_is_decomposed_of_one_seed_or_one_configuration(units: list[int]) -> None:
    assert components(column(1, 2, 3), units) is None


def crossed(run: Run, seeds: int = 2, configurations: int = 6, **changes: Any) -> list[dict[str, Any]]:
    """Two systems at two λ, configuration effects in both, all that the first has more is its seeds'."""
    rng = np.random.default_rng(0)
    level, luck = rng.normal(size=configurations), rng.normal(size=(2, configurations, seeds))
    return [
        run(a, c, lam, s, inception_score=3 + level[c] + (a == "svae_r") * 0.1 * luck[i, c, s], **changes)
        for a in ("svae_r", "alice") for i, lam in enumerate((0.1, 1.0)) for c in range(configurations) for s in range(seeds)
    ]  # fmt: skip


def test_a_study_is_decomposed_by_system_and_by_paired_difference(run: Run, study: Study) -> None:
    found = {(d.subject, d.lam): d for d in decompose(study(crossed(run))) if d.measure == INCEPTION}
    assert set(found) == {
        (subject, lam)
        for subject in (("svae_r",), ("alice",), ("svae_r", "alice"))
        for lam in (0.1, 1.0, None)
    }
    own = found[("svae_r", "alice"), 0.1].found
    assert own.seed.point == pytest.approx(0.1, rel=0.6)
    assert own.configuration.point < 0.1
    assert found[("alice",), 0.1].found.seed.point == pytest.approx(0, abs=1e-12)
    assert {d.measure for d in decompose(study(crossed(run)))} == {INCEPTION, LOG_MSE}


def test_a_diverged_run_is_left_out_and_counted(run: Run, study: Study) -> None:
    runs = crossed(run)
    runs[0] = run("svae_r", 0, 0.1, 0, outcome="DIVERGED")
    found = {(d.subject, d.lam): d for d in decompose(study(runs)) if d.measure == INCEPTION}
    for subject in (("svae_r",), ("svae_r", "alice")):
        assert [found[subject, lam].left_out for lam in (0.1, 1.0, None)] == [1, 0, 1]
        assert found[subject, 0.1].found.rows == 11
    assert found[("alice",), 0.1].left_out == 0


def test_the_section_says_in_words_how_far_a_configuration_can_be_relied_on(run: Run, study: Study) -> None:
    rows = study(crossed(run))
    found = decompose(rows)
    said = list(sentences(rows, found, [0.1]))
    assert any(text.startswith("Which configuration favours sVAE-r over ALICE, by inception score with 2 seeds. λ = 0.1: reliability ") for text in said)  # fmt: skip
    assert all("λ = 1," not in text for text in said)
    titles = [title for title, _ in tables(rows, found)]
    assert titles == ["Seeds and configurations", "Over λ"]
    body = made(Seeds, rows).body
    assert "6 × 2" in body
    assert "configurations × λ, sd" in body


@pytest.mark.parametrize(
    ("options", "words"),
    [({"seeds": 1}, "--seeds 2"), ({"configurations": 1}, "one configuration"), ({"outcome": "DIVERGED"}, "no system has")],
)  # fmt: skip
def test_what_cannot_be_told_apart_is_said(
    run: Run, study: Study, options: dict[str, Any], words: str
) -> None:
    rows = study(crossed(run, **options))
    assert decompose(rows) == []
    assert words in made(Seeds, rows).body


def test_a_report_of_several_seeds_has_components(run: Run, store: Callable[..., Path]) -> None:
    part = made(Seeds, load(str(store(crossed(run)))))
    assert part.title == "Seeds and configurations"
    assert "Over λ" in part.body


def test_infinite_values_are_left_out_and_counted(run: Run, study: Study) -> None:
    runs = [run(a, c, seed=s, kl_posterior=math.inf if (c, s) == (0, 0) else 1.0 + c + s) for a in ("avb", "vae") for c in range(6) for s in range(2)]  # fmt: skip
    rows = study(runs)
    found = [d for d in decompose(rows) if d.measure == KL_POSTERIOR]
    assert {d.subject: d.left_out for d in found} == {("avb",): 1, ("vae",): 1, ("avb", "vae"): 1}


def test_values_that_do_not_differ_have_no_reliability_and_nothing_is_said_of_it(
    run: Run, study: Study
) -> None:
    rows = study([run(a, c, seed=s) for a in ("svae_r", "alice") for c in range(6) for s in range(2)])
    found = decompose(rows)
    assert {(d.found.configuration.point, d.found.seed.point) for d in found} == {(0.0, 0.0)}
    assert all(math.isnan(d.found.reliability(2).point) for d in found)
    assert list(sentences(rows, found, rows.lambdas)) == []
    assert "nan" not in made(Seeds, rows).body


def test_numbers_without_squares_do_not_stop_a_report(run: Run, study: Study) -> None:
    runs = [run(a, c, seed=s, inception_score=10.0 ** (300 - c)) for a in ("svae_r", "alice") for c in range(5) for s in range(2)]  # fmt: skip
    rows = study(runs)
    assert obstacle(rows) == ""
    assert "nan" not in made(Seeds, rows).body
