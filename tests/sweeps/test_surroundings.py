"""What surrounds training: sums worked by hand."""

from __future__ import annotations

import pytest

from sweeps.planning import surroundings
from sweeps.planning.schedule import simulate
from sweeps.planning.surroundings import of

TRIALS, SECONDS = 1_000, 120.0


def test_requests_of_a_study_are_those_of_its_files_its_checkpoints_and_its_looks() -> None:
    schedule = simulate([SECONDS] * TRIALS, 10)
    one = of(24_000, schedule)
    # 3 files of 1,000 cohorts and 2 checkpoints of each trial, 4 requests each; 3,000 deletions; 5 looks a second.
    assert one.lists == pytest.approx(5 * schedule.makespan)
    assert one.writes == pytest.approx(4 * 3_000 + 4 * 2_000 + 3_000 + one.lists)
    assert one.reads == 2 * 3_000
    assert one.dollars == pytest.approx((one.writes * 0.005 + one.reads * 0.0004) / 1000)
    assert one.writes_per_second == pytest.approx((20_000 + one.lists) / schedule.makespan)


def test_trials_on_many_devices_look_at_the_lease_no_more_often_together() -> None:
    assert [surroundings.looks_per_second(n) for n in (2, 100, 200, 10_000)] == [1.0, 50.0, 100.0, 100.0]


def test_what_takes_longest_binds() -> None:
    few, many = (of(24 * TRIALS, simulate([SECONDS] * TRIALS, devices)) for devices in (10, 1_000))
    assert few.binds == "training"
    assert many.binds == "mirror of all"
    assert many.seconds["mirror of all"] == pytest.approx(336.0)  # 24,000 runs at 14 ms
    assert many.seconds["training"] == pytest.approx(120.0)


def test_the_table_has_a_line_for_each_number_of_devices_and_tells_the_policy() -> None:
    schedules = [simulate([SECONDS] * TRIALS, devices) for devices in (10, 100)]
    lines = surroundings.table(24 * TRIALS, schedules).splitlines()
    assert len(lines) == 4
    assert lines[1].split()[0] == "10"
    assert lines[1].endswith("training")
    assert lines[3].endswith("by default 20,000 runs are mirrored: 280 s")
    assert "mirrored" not in surroundings.table(100, schedules).splitlines()[3]
