"""Time left of a study that trains, from the expected times of its cohorts and those observed so far."""

from __future__ import annotations

from dataclasses import dataclass

TRUST_SECONDS = 10.0
"""Time of each slot's training for which the expectation is believed as much as what is observed."""


@dataclass
class Running:
    """A trial that trains.

    Attributes:
        expected: seconds of all of it.
        done: of these, when it was last heard of.
        heard: when that was; None for a first trial, whose worker has yet to warm up, until it is heard of.
        begun: when it began.
    """

    expected: float
    done: float
    heard: float | None
    begun: float


class Remaining:
    """Expected and observed times of the trials of a study; the clock is the caller's.

    Between two reports of a trial it is taken to go on as all of them did until then: how much slower than expected
    is what was expected of the parts that are observed over what they took, and as expected where nothing is yet.

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
        """A cohort that is going to be trained, and its expected time."""
        self.expected[key] = seconds
        self.waiting += seconds

    def begin(self, key: str, now: float) -> None:
        """Its trial begins, or begins again after it died."""
        if key not in self.done:
            self.waiting -= self.expected[key]
        self.begun += 1
        done = self.done.setdefault(key, 0.0)
        self.running[key] = Running(self.expected[key], done, None if self.begun <= self.slots else now, now)

    def report(self, key: str, share: float, now: float) -> None:
        """This part of a cohort is trained, from 0 to 1."""
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
        """Its trial is over, whatever came of it."""
        self.running.pop(key, None)

    @property
    def slowness(self) -> float:
        """Observed over expected time."""
        return self.observed / self.foreseen

    def seconds(self, now: float, later: float = 0.0) -> float:
        """Time left at `now`; `later`: expected seconds of cohorts that are not planned yet."""
        rests = []
        for trial in self.running.values():
            since = now - (trial.begun if trial.heard is None else trial.heard)
            rests.append(max(0.0, self.slowness * (trial.expected - trial.done) - since))
        waiting = self.slowness * (self.waiting + later)
        return max(max(rests, default=0.0), (sum(rests) + waiting) / self.slots) + self.after


def words(seconds: float) -> str:
    """A time as one reads it; its rounding is less than 1 in 20 from ten seconds on."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.1f} min" if seconds < 600 else f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
