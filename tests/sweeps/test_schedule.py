"""The simulated schedule: worked by hand where it is small, by its bounds where it is large."""

from __future__ import annotations

import math
import statistics

import pytest

from sweeps.planning import cohort_plans, schedule
from sweeps.planning.schedule import misjudged, results_of, simulate
from sweeps.planning.slots import CPU_MEMBERS, GPU_MEMBERS
from sweeps.toy_robustness import STUDY

PAPER = cohort_plans.missing(STUDY.declared(STUDY.preset("paper", seeds=20)))


def free(seconds: list[float], devices: int) -> schedule.Schedule:
    """The schedule where bookkeeping takes no time."""
    return simulate(seconds, devices, math.inf, math.inf)


@pytest.mark.parametrize(
    ("seconds", "devices", "makespan"),
    [
        ([5.0], 3, 5.0),
        ([3.0, 2.0, 2.0], 1, 7.0),
        ([3.0, 2.0, 2.0], 2, 4.0),  # 3 | 2 + 2
        ([5.0, 4.0, 3.0, 3.0, 3.0], 2, 10.0),  # 5 + 3 | 4 + 3 + 3; 9 would be the best
        ([1.0, 1.0, 4.0], 2, 5.0),  # in the order given: 1 + 4 | 1
        ([], 2, 0.0),
    ],
)
def test_trials_start_in_order_on_the_first_free_device(
    seconds: list[float], devices: int, makespan: float
) -> None:
    found = free(seconds, devices)
    assert found.makespan == makespan
    assert found.ideal == sum(seconds) / devices
    assert found.efficiency == (found.ideal / makespan if makespan else 1.0)


def test_starts_wait_for_each_other_and_results_for_the_log() -> None:
    # A start takes 1 s, a result 2 s; 10 devices, so that progress is at most once a second.
    assert [results_of(seconds, 10) for seconds in (0.5, 4.5, 0.25)] == [1, 5, 1]
    # Starts at 1, 2, 3; ends at 1.5, 6.5, 3.25; logged from 1.5 to 3.5, 3.5 to 5.5, 6.5 to 16.5.
    found = simulate([0.5, 4.5, 0.25], 10, trials_per_second=1.0, results_per_second=0.5)
    assert found.makespan == 16.5
    assert found.bounds == {"devices": 0.525, "longest trial": 4.5, "starts": 3.0, "results": 14.0}
    assert found.binds == "results"


def test_a_device_is_free_when_its_results_are_logged() -> None:
    # One device, 2 starts a second, 4 results a second: (0.5 + 0.05 + 0.25) s a trial of one result.
    found = simulate([0.05] * 3, 1, trials_per_second=2.0, results_per_second=4.0)
    assert found.makespan == pytest.approx(3 * 0.8)


@pytest.mark.parametrize(("trials", "starts", "results"), [(1000, 14.0, 50.0), (1000, 14.0, 10.0)])
def test_bookkeeping_binds_where_trials_are_short(trials: int, starts: float, results: float) -> None:
    # 1,000 devices and trials of 1 s with one result: the slower of the two queues sets the pace,
    # and the other adds its time for one trial.
    found = simulate([1.0] * trials, 1000, starts, results)
    assert found.makespan == pytest.approx(trials / min(starts, results) + 1.0 + 1 / max(starts, results))
    assert found.binds == ("starts" if starts < results else "results")


def test_results_of_a_trial_are_progress_checkpoints_and_the_last_one() -> None:
    assert results_of(0.1, 64) == 1
    assert results_of(13.0, 64) == 1 + 2  # progress every 6.4 s
    assert results_of(59.0, 64) == 1 + 5  # five evaluations before the last
    assert results_of(130.0, 64) == 1 + 13 + 2  # never silent for longer than 10 s
    assert results_of(130.0, 1000) == 1 + 1 + 2  # progress every 100 s


def test_makespan_is_at_least_every_bound() -> None:
    for devices in (1, 8, 64, 1000):
        found = simulate((plan.seconds for plan in cohort_plans.cut(PAPER, devices)), devices)
        assert found.makespan >= max(found.bounds.values())


def test_misjudged_durations_keep_their_mean_and_have_the_stated_spread() -> None:
    durations = misjudged([2.0] * 20_000, error=0.4, seed=3)
    assert durations == misjudged([2.0] * 20_000, error=0.4, seed=3) != misjudged([2.0] * 20_000, seed=4)
    assert statistics.fmean(durations) == pytest.approx(2.0, rel=0.01)
    logarithms = [math.log(duration) for duration in durations]
    assert math.exp(statistics.stdev(logarithms)) == pytest.approx(1.4, rel=0.01)
    assert misjudged([2.0, 3.0], error=0.0) == [2.0, 3.0]


@pytest.mark.parametrize("members", [CPU_MEMBERS, GPU_MEMBERS])
def test_paper_study_with_20_seeds_uses_64_devices_at_95_percent(members: int) -> None:
    seconds = [plan.seconds for plan in cohort_plans.cut(PAPER, 64, members)]
    assert len(PAPER) == 115_200
    assert simulate(seconds, 64).efficiency >= 0.95
    for seed in range(5):
        assert simulate(misjudged(seconds, seed=seed), 64).efficiency >= 0.95


def test_cohorts_keep_bookkeeping_from_binding_where_single_runs_do_not() -> None:
    for devices in (64, 1000):
        cohorts = simulate((plan.seconds for plan in cohort_plans.cut(PAPER, devices)), devices)
        runs = simulate(schedule.one_run_per_trial(PAPER), devices)
        assert cohorts.bounds["devices"] == pytest.approx(runs.bounds["devices"])  # the same work
        assert (cohorts.binds, runs.binds) == ("devices", "starts")
    assert cohorts.makespan < runs.makespan / 10


def test_table_has_a_line_per_number_of_devices_and_kind_of_trial() -> None:
    few = cohort_plans.missing(STUDY.declared(STUDY.preset("smoke")))
    header, *lines = schedule.table(few, [1, 8])[0].splitlines()
    assert "efficiency" in header
    assert [line.split()[:3] for line in lines] == [
        ["1", "a", "cohort"], ["1", "a", "run"], ["8", "a", "cohort"], ["8", "a", "run"]
    ]  # fmt: skip


def test_devices_must_be_at_least_one() -> None:
    with pytest.raises(ValueError, match="devices must be >= 1, got 0"):
        simulate([1.0], 0)
