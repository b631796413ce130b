"""Estimates a study's time left from its cohorts' expected times and the times observed so far."""

from __future__ import annotations

from dataclasses import dataclass

TRUST_SECONDS = 10.0
"""Training time per slot at which expectation and observation have equal weight."""


@dataclass
class Running:
    """A trial in training.

    Attributes:
        expected: seconds of the whole trial.
        done: expected seconds of the part that was done at its last report.
        heard: time of that report; None before the first report of a slot's first trial, whose worker has yet to warm up.
        begun: time of its start.
    """

    expected: float
    done: float
    heard: float | None
    begun: float


class Remaining:
    """Expected and observed times of a study's trials; the clock is the caller's.

    Between two reports a trial is taken to proceed at the speed of all trials until then: observed over expected time, which
    is 1 as long as nothing is observed.

    Args:
        slots: trials that run at once.
        after: seconds from the last row to the end.
    """

    def __init__(self, slots: int, after: float = 0.0) -> None:
        self.slots, self.after = slots, after
        self.expected: dict[str, float] = {}
        self.done: dict[str, float] = {}
        self.running: dict[str, Running] = {}
        self.waiting = 0.0
        self.begun = 0
        self.observed = self.foreseen = TRUST_SECONDS * slots

    def expect(self, key: str, seconds: float) -> None:
        """Adds a cohort to train, with its expected time."""
        self.expected[key] = seconds
        self.waiting += seconds

    def begin(self, key: str, now: float) -> None:
        """Marks a cohort's trial as begun, or begun again after it died."""
        if key not in self.done:
            self.waiting -= self.expected[key]
        self.begun += 1
        done = self.done.setdefault(key, 0.0)
        self.running[key] = Running(self.expected[key], done, None if self.begun <= self.slots else now, now)

    def report(self, key: str, share: float, now: float) -> None:
        """Records the trained share of a cohort, from 0 to 1."""
        trial = self.running.get(key)
        done = self.expected[key] * share
        if trial is None or done < trial.done:
            return
        if trial.heard is not None:
            self.observed += now - trial.heard
            self.foreseen += done - trial.done
        trial.done, trial.heard = done, now
        self.done[key] = done

    def end(self, key: str) -> None:
        """Marks a cohort's trial as over, whatever its outcome."""
        self.running.pop(key, None)

    @property
    def slowness(self) -> float:
        """Observed over expected time."""
        return self.observed / self.foreseen

    def seconds(self, now: float, later: float = 0.0) -> float:
        """Time left at `now`, with `later` expected seconds of cohorts that are not planned yet."""
        rests = []
        for trial in self.running.values():
            since = now - (trial.begun if trial.heard is None else trial.heard)
            rests.append(max(0.0, self.slowness * (trial.expected - trial.done) - since))
        waiting = self.slowness * (self.waiting + later)
        return max(max(rests, default=0.0), (sum(rests) + waiting) / self.slots) + self.after


def words(seconds: float) -> str:
    """Duration in words, rounded by less than 1 in 20 from ten seconds on."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.1f} min" if seconds < 600 else f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
