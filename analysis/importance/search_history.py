"""The course of a search or of successive halving: what was found when, and who was stopped where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import states
from analysis.rows import Rows
from analysis.vocabulary import Floats, Measure
from result_schema import Outcome


@dataclass(frozen=True)
class Course:
    """One search's results in the order in which they were stored.

    Attributes:
        values: [n] finite metric of each COMPLETED run; NaN for another, which counts as a run all the same.
        best: [n] the best COMPLETED value so far; NaN before the first.
        seconds: [n] device-seconds spent so far, of runs of every outcome.
    """

    values: Floats
    best: Floats
    seconds: Floats


def course(runs: pd.DataFrame, measure: Measure) -> Course:
    """The course of the runs of one algorithm at one λ; FAILED ones, which are tried again, are left out."""
    done = runs[runs["outcome"] != Outcome.FAILED.value].sort_values(["finished_at", "run_key"])
    values = states.values(done, measure)
    values[np.isinf(values)] = np.nan
    best = measure.better * np.fmax.accumulate(measure.better * values) if len(values) else values
    return Course(values, best, np.cumsum(done["train_seconds"].to_numpy(float)))


@dataclass(frozen=True)
class Rungs:
    """Curves of halved runs of one algorithm at one λ.

    Attributes:
        iterations: [t] evaluations.
        values: [n, t] metric of each run, NaN from where it was STOPPED or DIVERGED.
        stopped_at: [n] iteration at which it was STOPPED; 0 if it was not.
    """

    iterations: Floats
    values: Floats
    stopped_at: Floats

    @property
    def counts(self) -> dict[int, int]:
        """Rung -> how many runs were STOPPED there, ascending."""
        rungs, counts = np.unique(self.stopped_at[self.stopped_at > 0], return_counts=True)
        return dict(zip(rungs.astype(int).tolist(), counts.tolist(), strict=True))


def rungs(study: Rows, algorithm: str, lam: float, measure: Measure) -> Rungs:
    """The curves of one algorithm at one λ, FAILED runs left out."""
    own = study.group(algorithm, lam)
    own = own[own["outcome"] != Outcome.FAILED.value].sort_values("run_key")
    iterations, values = study.evaluations(own, measure.column)
    ended = pd.to_numeric(own["diverged_at"]).fillna(np.inf).to_numpy(float)
    values[(iterations[None, :] >= ended[:, None]) | ~np.isfinite(values)] = np.nan
    stopped = np.where(own["outcome"] == Outcome.STOPPED.value, own["iterations"], 0)
    return Rungs(iterations, values, stopped.astype(float))


def stopped_count(runs: pd.DataFrame) -> int:
    """Number of STOPPED rows."""
    return int((runs["outcome"] == Outcome.STOPPED.value).sum())


def spent(runs: pd.DataFrame) -> float:
    """Device-seconds of rows of every outcome."""
    return float(runs["train_seconds"].sum())


def would_have_spent(runs: pd.DataFrame) -> float:
    """Device-seconds had no run been STOPPED: each of those at its own pace to the end of its budget."""
    stopped = runs["outcome"] == Outcome.STOPPED.value
    pace = np.where(stopped, runs["budget"] / runs["iterations"].clip(lower=1), 1.0)
    return float((runs["train_seconds"] * pace).sum())
