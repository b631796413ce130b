"""Forecasts what surrounds training, at any size: the store on an object storage, the mirror, folding and reports, in seconds, requests and money.

Costs are those that were measured (docs/performance.md); each of them is work of one process, beside the driver's, which `schedule` has. What
takes longest binds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sweeps.planning.schedule import CHECKPOINT_SECONDS, Schedule

PER_THOUSAND_WRITES, PER_THOUSAND_READS = 0.005, 0.0004
"""Dollars that S3 Standard bills in us-east-1 for 1,000 requests: of PUT, POST and LIST, and of GET and HEAD; DELETE is free."""

WRITES_PER_SECOND = 3_500.0
"""Requests of PUT, POST and DELETE that S3 promises for a prefix, which a study's folder is."""

WRITES_OF_A_FILE, FILES_OF_A_COHORT = 4, 3
"""Requests that pyarrow makes for a file, counted on a stand-in: a LIST of the lease, and three of a multipart upload; and a
cohort's files: curves, samples and rows."""

READS_OF_A_FILE, WRITES_OF_A_DELETION = 2, 1
"""Requests counted alike: HEAD and GET; and the PUT that keeps the folder of a deleted file."""

LOOK_SECONDS, LOOKS_PER_SECOND = 2.0, 100.0
"""Time between a trial's looks at the lease, each a LIST; and of all trials together at most, so many in a second."""

LATENCY, READERS = 0.03, 16
"""Seconds of a request to an object storage in its own region, and files that are read at once."""

FILE_SECONDS = 0.004
"""Time of a core in which a cohort's file is read whole."""

MIRROR_SECONDS, MIRRORED = 0.014, 20_000
"""Time of a core in which MLflow takes a run; and runs of a study up to which all of them are mirrored by default."""

REPORT_SECONDS = 80e-6
"""Time of a report for each run of a large study."""


@dataclass(frozen=True)
class Surroundings:
    """What surrounds a study's training.

    Attributes:
        seconds: what is done -> its time, side by side with training or after it.
        writes: requests billed as PUT: of files, of looks at the lease, and of folding.
        reads: requests billed as GET.
        lists: of `writes`, those that look at the lease while nothing is stored.
        writes_per_second: of all trials, as long as they train.
    """

    seconds: dict[str, float]
    writes: float
    reads: float
    lists: float
    writes_per_second: float

    @property
    def dollars(self) -> float:
        """Price of all requests."""
        return (self.writes * PER_THOUSAND_WRITES + self.reads * PER_THOUSAND_READS) / 1000

    @property
    def binds(self) -> str:
        """Name of what takes longest."""
        return max(self.seconds, key=lambda name: self.seconds[name])


def of(runs: int, schedule: Schedule) -> Surroundings:
    """Forecasts it for a study on an object storage.

    Args:
        runs: that are trained.
        schedule: of their cohorts.
    """
    files = FILES_OF_A_COHORT * schedule.trials
    lists = schedule.makespan * looks_per_second(schedule.devices)
    checkpoints = schedule.bounds["devices"] * schedule.devices / CHECKPOINT_SECONDS
    stored = WRITES_OF_A_FILE * (files + checkpoints)
    one_file = READS_OF_A_FILE * LATENCY / READERS + FILE_SECONDS
    seconds = {
        "training": schedule.ideal,
        "starting trials": schedule.bounds["starts"],
        "logging results": schedule.bounds["results"],
        "storing": stored / WRITES_PER_SECOND,
        "mirror of all": runs * MIRROR_SECONDS,
        "folding": files * (one_file + WRITES_OF_A_DELETION * 3 * LATENCY / READERS),
        "report": runs * REPORT_SECONDS,
    }
    writes = stored + lists + WRITES_OF_A_DELETION * files
    per_second = (stored + lists) / schedule.makespan if schedule.makespan else 0.0
    return Surroundings(seconds, writes, READS_OF_A_FILE * files, lists, per_second)


def looks_per_second(devices: int) -> float:
    """Looks at the lease by the trials on so many devices."""
    return min(devices / LOOK_SECONDS, LOOKS_PER_SECOND)


def table(runs: int, schedules: Sequence[Schedule]) -> str:
    """Table of what surrounds training on each number of devices, as text.

    Args:
        runs: that are trained.
        schedules: of their cohorts.
    """
    every = [(schedule, of(runs, schedule)) for schedule in schedules]
    names = list(every[0][1].seconds) if every else []
    lines = [
        f"{'devices':>7} "
        + " ".join(f"{name:>{max(len(name), 9)}}" for name in names)
        + f" {'requests':>10} {'a second':>8} {'price':>8}  binds"
    ]
    for schedule, one in every:
        times = " ".join(f"{_words(one.seconds[name]):>{max(len(name), 9)}}" for name in names)
        lines.append(
            f"{schedule.devices:>7,} {times} {one.writes + one.reads:>10,.0f} {one.writes_per_second:>8,.0f} ${one.dollars:>7,.2f}  {one.binds}"
        )
    policy = (
        f"; by default {MIRRORED:,} runs are mirrored: {_words(MIRRORED * MIRROR_SECONDS)}"
        if runs > MIRRORED
        else ""
    )
    return (
        "\n".join(lines)
        + f"\non S3, every cohort's files by themselves; processor seconds of one process each{policy}\n"
    )


def _words(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds:.0f} s"
