"""How many configurations would have done: verdicts by counts are the verdicts, and the paper's study needs as many as it did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis import rows
from analysis.comparison.paired import match, unit_differences
from analysis.comparison.sample_sizes import LEAST, agreement, decisions
from analysis.comparison.verdicts import Answer, Family
from analysis.rows import Rows
from analysis.sections.sample_sizes import SampleSizes, cells_of
from analysis.vocabulary import Measure
from tests.analysis.made import made
from tests.analysis.measures import INCEPTION, LOG_MSE

PAPER = str(Path(__file__).parents[2] / "docs" / "paper_study")
Run = Callable[..., dict[str, Any]]


def counted(values: np.ndarray, smallest: float) -> np.ndarray:
    sides = [values <= -smallest, (values > -smallest) & (values < 0), values == 0,
             (values > 0) & (values < smallest), values >= smallest]  # fmt: skip
    return np.array([side.sum() for side in sides])


@pytest.mark.parametrize("size", [1, 22])
@pytest.mark.parametrize("n", [12, 13, 24, 57, 200])
def test_decisions_by_counts_are_verdicts(n: int, size: int) -> None:
    rng, family, seen = np.random.default_rng(n), Family(size), set()
    for shift in (0.0, 0.02, 0.04, 0.05, -0.1):
        for scale in (0.01, 0.05, 0.2):
            values = np.round(shift + scale * rng.standard_t(3, size=n), 2)
            values[: n // 12] = np.inf
            verdict = family.judge(INCEPTION, values)
            found = int(decisions(counted(values, 0.05), family.confidence))
            side = np.sign(verdict.location.above - verdict.location.below)
            expected = {Answer.DIFFERS: side, Answer.EQUIVALENT: 2, Answer.UNDECIDED: 0}[verdict.answer]
            assert found == expected
            seen.add(found)
    assert len(seen) > 1


def test_agreement_is_that_of_verdicts_on_random_parts() -> None:
    rng, family = np.random.default_rng(0), Family()
    values = 0.3 + rng.normal(size=80)
    verdict = family.judge(INCEPTION, values)
    assert verdict.answer is Answer.DIFFERS
    found = agreement(values, verdict, rng)
    assert found is not None
    assert np.isnan(found.shares[:LEAST]).all()
    for n in (12, 40, 79):
        parts = [family.judge(INCEPTION, rng.choice(values, n, replace=False)) for _ in range(400)]
        share = np.mean(
            [part.answer is Answer.DIFFERS and part.location.interval.point > 0 for part in parts]
        )
        assert found.shares[n] == pytest.approx(share, abs=0.1)
    anew = [family.judge(INCEPTION, rng.choice(values, 80)) for _ in range(400)]
    assert found.anew == pytest.approx(np.mean([one.answer is Answer.DIFFERS for one in anew]), abs=0.1)
    least = found.least(0.8)
    assert least is not None
    assert (found.shares[least:] >= 0.8).all()
    assert found.shares[least - 1] < 0.8


def test_least_is_none_where_only_the_whole_study_decides() -> None:
    # 4 of 17 against: p = 0.049. One fewer: 4 of 16, p = 0.077, in 13 of 17 parts.
    values = np.array([-1.0] * 4 + [1.0] * 13)
    found = agreement(values, Family().judge(INCEPTION, values), np.random.default_rng(0))
    assert found is not None
    assert found.shares[16] == pytest.approx(4 / 17, abs=0.08)
    assert found.least(0.9) is None


def test_an_undecided_verdict_and_few_units_have_nothing_to_agree_with() -> None:
    rng = np.random.default_rng(0)
    for values in (rng.normal(size=40), np.ones(12)):
        assert agreement(values, Family().judge(INCEPTION, values), rng) is None


@pytest.fixture(scope="module")
def paper() -> Rows:
    return rows.load(PAPER)


@pytest.mark.parametrize(
    ("measure", "lam", "n", "percent"),
    [(INCEPTION, 10.0, 48, 91), (INCEPTION, 1.0, 192, 95), (LOG_MSE, 0.1, 48, 99), (INCEPTION, 10.0, 24, 52), (LOG_MSE, 1.0, 48, 81)],
)  # fmt: skip
def test_parts_of_the_papers_study_decide_as_often_as_studies_resampled_from_it(
    paper: Rows, measure: Measure, lam: float, n: int, percent: int
) -> None:
    # Resampled with replacement, each comparison by itself: parts without replacement are a little surer.
    pairs = match(paper, "svae_r", "alice")
    units = unit_differences(pairs.at(lam), measure, pairs.unit)
    found = agreement(units, Family().judge(measure, units), np.random.default_rng(0))
    assert found is not None
    assert 100 * found.shares[n] == pytest.approx(percent, abs=7)


def two(run: Run, configurations: int, better: float) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [
        run(a, c, inception_score=3 + better * (a == "svae_r") + 0.1 * rng.normal(), mse_x=0.1)
        for a in ("svae_r", "alice")
        for c in range(configurations)
    ]


def test_a_report_has_a_line_per_decided_verdict(run: Run, store: Callable[..., Path]) -> None:
    study = rows.load(str(store(two(run, 30, 1.0))))
    header, cells = cells_of(study, Family(2))
    assert header[4:] == [
        "n = 12",
        "n = 24",
        "least for 80 %",
        "least for 90 %",
        "all, drawn anew",
    ]
    assert [line[2:] for line in cells] == [
        ["MSE", "equivalent within a factor of 1.1", "100 %", "100 %", "12", "12", "100 %"],
        ["inception score", "higher", "100 %", "100 %", "12", "12", "100 %"],
    ]
    assert "equivalent within a factor of 1.1" in made(SampleSizes, study).body


@pytest.mark.parametrize(("configurations", "unit"), [(12, "configurations"), (1, "seeds")])
def test_a_study_of_which_no_part_can_be_judged_says_so(
    run: Run, study: Callable[..., Rows], configurations: int, unit: str
) -> None:
    own = study(two(run, configurations, 1.0))
    assert cells_of(own, Family())[1] == []
    part = made(SampleSizes, own)
    assert f"no verdict on more than 12 {unit} is decided" in part.body


def test_a_study_of_one_system_has_nothing_to_decide(run: Run, study: Callable[..., Rows]) -> None:
    assert not made(SampleSizes, study([run("alice", 0)])).body
