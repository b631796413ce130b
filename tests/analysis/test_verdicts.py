"""Verdicts: three answers, one family, one object for words and cells; margins as a study declares them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.comparison.families import family_of, judged
from analysis.comparison.verdicts import Answer, Family
from result_manifest import Manifest, SchemaError
from tests.analysis.measures import INCEPTION, LOG_MSE, MSE, ON_MODE


def around(centre, n=48, spread=0.01):
    return centre + spread * np.linspace(-1, 1, n)


@pytest.mark.parametrize(
    ("values", "answer", "words"),
    [
        (around(0.3), Answer.DIFFERS, "higher"),
        (around(-0.3), Answer.DIFFERS, "lower"),
        (around(0.0), Answer.EQUIVALENT, "equivalent within 0.05"),
        (around(0.02), Answer.DIFFERS, "higher, by less than 0.05"),
        (around(0.0, spread=1.0), Answer.UNDECIDED, "undecided: −0.319 to 0.319"),  # 17th and 32nd of 48
        (around(0.3, n=5), Answer.DIFFERS, "higher"),
        (np.array([0.3]), Answer.UNDECIDED, "undecided: too few for a bound (1)"),
        (np.full(5, 0.3), Answer.UNDECIDED, "undecided: too few for a bound (5)"),
        (np.full(48, math.inf), Answer.DIFFERS, "higher"),
    ],
)
def test_a_verdict_is_read_off_the_interval(values, answer, words):
    found = Family().judge(INCEPTION, values)
    assert (found.answer, found.words) == (answer, words)


def test_a_ratio_is_judged_on_its_logarithm_and_printed_as_a_ratio():
    found = Family(1, {"mse_x": 1.3}).judge(LOG_MSE, np.log10(np.linspace(1.1, 1.2, 48)))
    assert found.estimate == "1.15 [1.13, 1.17]"  # 17th and 32nd again
    assert found.words == "higher, by less than a factor of 1.3"
    assert found.smallest == pytest.approx(math.log10(1.3))
    undecided = Family().judge(LOG_MSE, np.linspace(-1, 1, 48))
    assert undecided.words == "undecided: 0.480 to 2.09 times"


def test_ties_at_no_difference_leave_the_bound_open():
    values = np.concatenate([np.linspace(0.01, 3, 310), np.zeros(26), -np.linspace(0.01, 3, 240)])
    assert Family().judge(INCEPTION, values).estimate == "0.218 (0, 0.455]"
    assert Family().judge(INCEPTION, -values).estimate == "−0.218 [−0.455, 0)"


def test_a_larger_family_has_wider_intervals_and_larger_p_and_they_agree():
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.normal(size=48) + 0.4
        alone, among = Family(1).judge(INCEPTION, values), Family(10).judge(INCEPTION, values)
        assert among.location.interval.low <= alone.location.interval.low
        assert among.p == pytest.approx(min(1, 10 * alone.p))
        assert (among.p <= 0.05) == (among.answer is Answer.DIFFERS)


def test_a_bound_reaches_or_exceeds_a_difference_of_interest():
    worse = Family().judge(INCEPTION, around(-0.3))
    assert worse.exceeds(-1)
    assert worse.reaches(-1)
    assert not worse.reaches(+1)
    assert not worse.exceeds(+1)
    unknown = Family().judge(INCEPTION, np.array([0.0]))
    assert unknown.reaches(+1)
    assert unknown.reaches(-1)


def test_a_family_judges_metrics_with_a_margin_at_every_lambda_and_declared_pair(run, study):
    runs = [run(a, i, lam) for a in ("svae_r", "alice") for i in range(5) for lam in (0.0, 0.1)]
    rows = study(
        [*runs, *(run(a, i, lam=7.0) for a in ("svae_r", "alice") for i in range(4))]
    )  # four are too few
    assert [(lam, measure) for _, lam, measure in judged(rows)] == [
        (lam, measure) for lam in (0.0, 0.1) for measure in (LOG_MSE, INCEPTION)
    ]
    assert family_of(rows).size == 4
    assert Family().smallest(MSE) is None
    assert Family().smallest(ON_MODE) is None
    assert Family(1, {"on_mode_share": 0.02}).smallest(ON_MODE) == 0.02
    # Three λ with trends: two changes of each system and their paired difference beside.
    assert (
        family_of(study(runs + [run(a, 0, lam) for a in ("svae_r", "alice") for lam in (1.0, 10.0)])).size
        == 4 + 5
    )


def test_a_manifest_carries_margins_and_one_without_them_reads():
    manifest = Manifest("toy", {}, smallest_differences={"inception_score": 0.1, "mse_x": 1.2})
    assert Manifest.from_json(manifest.to_json(), "here") == manifest
    without = manifest.to_json().replace('"smallest_differences"', '"_"')
    with pytest.raises(SchemaError, match="keys that this version knows"):
        Manifest.from_json(without, "here")
    assert (
        Manifest.from_json(
            '{"schema_version": 1, "study": "a", "hyper_parameters": {}}', "here"
        ).smallest_differences
        == {}
    )


@pytest.mark.parametrize(
    ("margins", "message"),
    [('{"mse_x": 0.5}', "factor > 1"), ('{"elbo": 0}', "> 0"), ('{"beauty": 1}', "beauty"), ("3", "another")],
)
def test_a_manifest_with_a_margin_that_is_none_is_refused(margins, message):
    text = (
        f'{{"schema_version": 1, "study": "a", "hyper_parameters": {{}}, "smallest_differences": {margins}}}'
    )
    with pytest.raises(SchemaError, match=message):
        Manifest.from_json(text, "here")
