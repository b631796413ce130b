"""Fragility statistics against values worked out by hand, against plain numpy on drawn resamples, and by their properties."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.fragility.statistics import (
    MOST,
    Fragility,
    Ordered,
    fragility,
    interval,
    resampled,
    shares,
    wins,
)
from analysis.statistics.blocks import Block
from analysis.statistics.estimates import Interval, wilson
from analysis.vocabulary import Floats

PAIR = [("a", "b")]
ROUNDING = 1e-12


def block(a: list[float], b: list[float], units: list[int] | None = None) -> Block:
    places = np.arange(len(a)) if units is None else np.array(units)
    return Block({"a": np.array(a, float), "b": np.array(b, float)}, places, 0)


def of(one: Block, near: float = 0.0, floor: float = -np.inf) -> Fragility:
    return fragility(one, PAIR, np.array([near]), near, floor, np.random.default_rng(0))


def exact(found: Interval) -> tuple[float, float, float]:
    return found.point, found.low, found.high


def test_statistics_of_one_to_ten_against_a_constant() -> None:
    # a = 1 … 10: worst tenth is 1; between the quartiles 3 … 8, mean 5.5; quartiles 3.25 and 7.75.
    found = of(block([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], [2] * 10), near=9)
    a, b, contrast = found.own["a"], found.own["b"], found.contrasts[0]
    assert [one.point for one in (a.near, a.tail, a.middle, a.width)] == pytest.approx([0.2, 1, 5.5, 4.5])
    assert [one.point for one in (b.near, b.tail, b.middle, b.width)] == [0, 2, 2, 0]
    assert contrast.difference.tail.point == pytest.approx(-1)
    assert contrast.same.point == pytest.approx(0.85)  # eight wins, one tie
    assert contrast.random.point == pytest.approx(0.85)
    assert exact(b.middle) == (2, 2, 2)


def test_probability_of_random_configurations_is_not_that_of_the_same() -> None:
    found = of(block([1, 3, 5, 0], [2, 4, 6, -1]))
    assert found.contrasts[0].same.point == 0.25
    # 1 > −1; 3 > 2, −1; 5 > 2, 4, −1; 0 > −1: seven of sixteen
    assert found.contrasts[0].random.point == 7 / 16


def test_a_configuration_counts_once_however_many_seeds_it_has() -> None:
    found = of(block([1, 3, 5], [4, 4, 4], units=[0, 0, 1]), near=3)
    assert found.own["a"].near.point == pytest.approx(0.75)  # half of the first, all of the second
    assert found.contrasts[0].same.point == pytest.approx(0.5)
    assert found.configurations == 2
    assert found.runs == 3


def test_every_resample_is_what_numpy_says_of_the_drawn_values() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=23), np.round(rng.normal(size=23), 1)
    counts = np.stack([np.bincount(rng.integers(23, size=23), minlength=23) for _ in range(20)]).astype(float)
    sides = [Ordered(values, np.arange(23), -np.inf) for values in (a, b)]
    masses = [side.mass(counts) for side in sides]
    drawn = [[np.repeat(values, row.astype(int)) for row in counts] for values in (a, b)]
    low, width = sides[0].mean(masses[0], 0, 2), sides[0].quantile(masses[0], 0.75)
    random = wins(sides[0], sides[1], (masses[0], masses[1]))
    for i in range(len(counts)):
        first, second = np.sort(drawn[0][i]), drawn[1][i]
        assert low[i] == pytest.approx(first[:2].mean())
        assert width[i] == pytest.approx(np.quantile(first, 0.75))
        apart = first[:, None] - second
        assert random[i] == pytest.approx(np.mean((apart > 0) + (apart == 0) / 2))
        assert sides[0].reached(counts, np.array([a[3]]))[i, 0] == pytest.approx(np.mean(first >= a[3]))


def test_identical_systems_differ_by_nothing() -> None:
    values = np.random.default_rng(2).normal(size=40).tolist()
    values[3] = -np.inf
    contrast = of(block(values, values)).contrasts[0]
    for one in (contrast.difference.middle, contrast.difference.width):
        assert exact(one) == (0, 0, 0)
    # None of 40 differs: of all of them as many may as Wilson's interval of 0 in 40 allows.
    most = wilson(0, 40).high
    assert exact(contrast.difference.near) == pytest.approx((0, -most, most), abs=0.01)
    assert exact(contrast.same) == pytest.approx((0.5, 0.5 - most / 2, 0.5 + most / 2), abs=0.05)
    assert contrast.random.point == pytest.approx(0.5)
    assert contrast.random.low == pytest.approx(0.5)


@pytest.mark.parametrize("place", range(12))
@pytest.mark.parametrize("floor", [-np.inf, -4.0])
def test_divergence_never_improves_its_system(place: int, floor: float) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=12), rng.normal(size=12)
    worse = a.copy()
    worse[place] = -np.inf
    before, after = (of(block(one.tolist(), b.tolist()), near=0.1, floor=floor) for one in (a, worse))
    for name in ("near", "tail", "middle"):
        old, new = (getattr(one.own["a"], name) for one in (before, after))
        assert new.point <= old.point + ROUNDING
        assert not new.low > old.low + ROUNDING  # of one result in the worst tenth there are no bounds
    for name in ("same", "random"):
        old, new = (getattr(one.contrasts[0], name) for one in (before, after))
        assert new.point <= old.point + ROUNDING
    assert after.own["a"].middle.high <= before.own["a"].middle.high + ROUNDING
    assert after.contrasts[0].random.high <= before.contrasts[0].random.high + ROUNDING
    assert (after.profile["a"] <= before.profile["a"]).all()


def test_divergences_in_the_tail_are_the_worst_possible_value_or_infinite() -> None:
    values = [-np.inf, *range(1, 11)]
    assert of(block(values, values), floor=0.0).own["a"].tail.point == 0
    found = of(block(values, [1.0] * 11))
    assert found.own["a"].tail.point == -np.inf
    assert np.isnan(found.contrasts[0].difference.tail.low)
    assert found.own["a"].middle.point == 5  # 2 … 8: the divergence is below the quartile


def test_all_diverged_loses_to_all_completed() -> None:
    contrast = of(block([1.0] * 12, [-np.inf] * 12), near=1).contrasts[0]
    assert exact(contrast.random) == (1, 1, 1)
    for one in (contrast.same, contrast.difference.near):
        assert (one.point, one.high) == (1, pytest.approx(1))
        assert 0.5 < one.low < 0.9  # 12 of 12


def test_shares_are_paired() -> None:
    # 15 of 20 against 10 of 20; the systems differ in five configurations alone, where two samples of 20 would be undecided.
    own, differences = shares(block([1] * 15 + [0] * 5, [1] * 10 + [0] * 10), PAIR)
    assert (own["a"].point, own["b"].point) == (0.75, 0.5)
    assert own["a"].low < own["b"].high
    assert differences["a", "b"].point == pytest.approx(0.25)
    assert differences["a", "b"].low > 0


def test_profile_is_the_share_at_each_threshold_with_a_band_around_it() -> None:
    one = block([1, 2, 3, 4], [4, 4, 4, 4])
    found = fragility(one, PAIR, np.array([4.0, 2.5, 0.0]), 4.0, -np.inf, np.random.default_rng(0))
    assert found.profile["a"][0].tolist() == [0.25, 0.5, 1]
    assert (found.profile["a"][1] <= found.profile["a"][0]).all()
    assert (found.profile["b"] == 1).all()


def test_interval_of_a_mean_is_that_of_the_percentile_bootstrap() -> None:
    values = np.random.default_rng(4).normal(size=200)
    column = resampled(lambda counts: (counts @ values / 200)[:, None], 200, np.random.default_rng(0))[:, 0]
    found, error = interval(column), values.std() / np.sqrt(200)
    assert found.point == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_interval_with_infinite_resamples_has_no_number_between() -> None:
    column: Floats = np.array([1.0, *([-np.inf] * 50), *([1.0] * 950)])
    assert exact(interval(column)) == (1, -np.inf, 1)
    assert np.isnan(interval(np.append(column, np.nan)).low)


def test_a_share_of_none_or_all_is_not_known_to_be_so_of_all_configurations() -> None:
    none = of(block([0.0] * 24, [0.0] * 24), near=1.0)
    assert none.own["a"].near.low == pytest.approx(0)
    assert none.own["a"].near.high == pytest.approx(wilson(0, 24).high, abs=0.01)
    assert none.contrasts[0].difference.near.low < -0.1
    own, differences = shares(block([1.0] * 12, [0.0] * 12), [("a", "b")])
    assert own["a"].low == pytest.approx(wilson(12, 12).low, abs=0.02)
    assert differences["a", "b"].low < 0.9


def test_the_worst_tenth_of_one_result_has_no_bounds_and_of_few_students() -> None:
    values = np.random.default_rng(5).normal(size=40)
    assert np.isnan(of(block(values[:15].tolist(), values[:15].tolist())).own["a"].tail.low)
    found = of(block(values.tolist(), (values - 1).tolist()))
    tail = found.own["a"].tail
    assert tail.point == pytest.approx(np.sort(values)[:4].mean())
    assert tail.high - tail.point == pytest.approx(tail.point - tail.low)  # Student's
    assert exact(found.contrasts[0].difference.tail) == pytest.approx((1, 1, 1))


def test_groups_of_very_many_results_have_the_statistics_of_all() -> None:
    rng = np.random.default_rng(5)
    units = np.repeat(np.arange(50), 100)
    values = rng.normal(size=50)[units] + rng.normal(size=5_000)
    values[rng.integers(5_000, size=40)] = -np.inf
    counts = rng.multinomial(50, np.full(50, 1 / 50), size=20).astype(float)
    one, other = Ordered(values, units, -5.0), Ordered(values[::-1] + 0.1, units, -5.0)
    few, fewer = one.grouped(), other.grouped()
    assert len(few.values) <= MOST + 1
    mass, small = one.mass(counts), few.mass(counts)
    assert small[:, -1] == pytest.approx(mass[:, -1])
    assert few.mean(small, 0, 500) == pytest.approx(one.mean(mass, 0, 500), abs=5e-3)
    assert few.mean(small, 1250, 3750) == pytest.approx(one.mean(mass, 1250, 3750), abs=1e-3)
    assert few.quantile(small, 0.25) == pytest.approx(one.quantile(mass, 0.25), abs=5e-3)
    assert few.reached(counts, values[:3]) == pytest.approx(
        1 - mass[:, np.searchsorted(one.values, values[:3])] / 5_000
    )
    random = wins(one, other, (mass, other.mass(counts)))
    assert wins(few, fewer, (small, fewer.mass(counts))) == pytest.approx(random, abs=1e-3)
