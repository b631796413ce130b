"""The forecast of a study: consistent with its parts, and in the speed of the processor here."""

from __future__ import annotations

import pytest

from sweeps.planning import cohort_plans, forecast
from sweeps.planning.slots import Slots
from sweeps.toy_robustness import STUDY
from trainables.engine import cost
from trainables.engine.cost import REFERENCE, Speed
from trainables.engine.machine import speed
from trainables.runs import Run

TODO = cohort_plans.missing(STUDY.declared(STUDY.preset("embedded")))
PLANS = cohort_plans.cut(TODO, 2)
HALF = Speed(
    REFERENCE.widths, *(tuple(r / 2 for r in rates) for rates in (REFERENCE.edges, REFERENCE.layers)), 2.0
)


@pytest.fixture
def half_as_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(run: Run, cores: int) -> Speed:
        return HALF

    forecast.scale.cache_clear()
    monkeypatch.setattr(speed, "of", of)


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    forecast.scale.cache_clear()


def test_forecast_adds_up() -> None:
    found = forecast.of(TODO, PLANS, cores=2)
    assert found.training == pytest.approx(sum(cost.seconds(run) for run in TODO))
    assert found.trials >= (found.training + 48 * forecast.TRIAL_SECONDS) / 2
    assert found.trials == pytest.approx(found.training / 2 * 2 / (2 - forecast.BUSY_CORES), rel=0.1)
    assert found.wall == found.start + found.trials + found.end


def test_forecast_is_of_the_processor_here(half_as_fast: None) -> None:
    found = forecast.of(TODO, PLANS, cores=2)
    assert found.training == pytest.approx(2 * sum(cost.seconds(run) for run in TODO))
    assert found.end == 2 * forecast.end_seconds(len(TODO))


def test_plans_do_not_depend_on_the_processor_here(half_as_fast: None) -> None:
    assert cohort_plans.cut(TODO, 2) == PLANS


def test_forecast_of_a_halved_grid_is_of_the_iterations_that_it_trains() -> None:
    whole, part = (forecast.of(TODO, PLANS, 2, share) for share in (1.0, 0.25))
    assert part.training == pytest.approx(whole.training / 4)


def test_forecast_of_nothing_is_nothing() -> None:
    nothing = cohort_plans.missing([])
    assert forecast.of(nothing, cohort_plans.cut(nothing, 2), 2).wall == 0.0


def test_forecast_on_one_core_leaves_it_to_share() -> None:
    assert forecast.of(TODO, cohort_plans.cut(TODO, 1), 1).trials > forecast.of(TODO, PLANS, 2).trials


def test_losses_are_one_per_player_system_and_batch_size() -> None:
    assert forecast.losses(TODO) == 2 * 2 * 2
    assert (
        forecast.losses(cohort_plans.missing(STUDY.declared(STUDY.preset("embedded"), ("vae",)))) == 2
    )  # no critic


@pytest.mark.parametrize("slots", [Slots(2, "cuda", {}, own=True), Slots(2, "cpu", {})])
def test_a_device_that_was_not_measured_is_taken_as_planned(slots: Slots, half_as_fast: None) -> None:
    assert forecast.seconds(PLANS[0], slots) == PLANS[0].seconds
    assert forecast.seconds(PLANS[0], Slots(2, "cpu", {}, own=True)) == pytest.approx(2 * PLANS[0].seconds)
