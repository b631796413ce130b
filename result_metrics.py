"""Vocabulary of metrics: what a study's manifest says of each metric in its rows, so that nobody downstream knows a name.

Shared by `trainables`, whose metrics declare it, `sweeps`, which stores it, and `analysis`, which reads it; imports none of them.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass

LARGER, SMALLER = 1, -1
"""Which values of a metric are better."""


@dataclass(frozen=True)
class MetricInfo:
    """One metric as reports, searches and MLflow need to know it.

    Attributes:
        name: its column in the rows.
        label: its name in figures and tables.
        better: LARGER or SMALLER.
        log: whether it is compared and drawn on a logarithmic scale (base 10), and differences of it are factors.
        smallest: difference of interest where a study declares none, in its own units, a factor where it is logarithmic;
            None: a verdict is given only where a study declares one.
        best, worst: its best and worst possible value on any data; None where there is none, or where the data decide.
        unit: of a metric whose differences alone mean something, such as nats; empty of one with a natural zero.
        infinite: whether it may be +∞ without the run having diverged.
        path: import path, module:Class, of one that no name finds; else empty.

    Raises:
        ValueError: the name is no identifier, the label is empty, a direction is neither, or a number is not finite.
    """

    name: str
    label: str
    better: int
    log: bool = False
    smallest: float | None = None
    best: float | None = None
    worst: float | None = None
    unit: str = ""
    infinite: bool = False
    path: str = ""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"a metric's name must be an identifier, got {self.name!r}")
        if not self.label:
            raise ValueError(f"the metric {self.name} must have a label, got none")
        if self.better not in (LARGER, SMALLER):
            raise ValueError(
                f"the metric {self.name} must say that LARGER or SMALLER is better, got {self.better!r}"
            )
        for what in ("smallest", "best", "worst"):
            value = getattr(self, what)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{what} of the metric {self.name} must be finite or None, got {value}")


VERSION_1 = (
    MetricInfo("mse_x", "MSE", SMALLER, log=True, smallest=1.1),
    MetricInfo("mse_z", "MSE of z", SMALLER, log=True),
    MetricInfo("inception_score", "inception score", LARGER, smallest=0.05, worst=1.0),
    MetricInfo("modes_covered", "modes covered", LARGER, worst=0.0),
    MetricInfo("on_mode_share", "on-mode share", LARGER, best=1.0, worst=0.0),
    MetricInfo("elbo", "ELBO", LARGER, unit="nats"),
    MetricInfo("log_likelihood", "log-likelihood", LARGER, smallest=0.1, unit="nats"),
    MetricInfo("reconstruction", "−E log p(x|z~)", SMALLER),
    MetricInfo("kl_z", "KL(q(z) ‖ p(z))", SMALLER, infinite=True),
    MetricInfo("accuracy", "accuracy", LARGER, smallest=0.01, best=1.0, worst=0.0),
    MetricInfo(
        "kl_posterior", "KL(q ‖ posterior)", SMALLER, smallest=0.05, best=0.0, unit="nats", infinite=True
    ),
    MetricInfo("bits_per_dim", "bits per dimension", SMALLER),
    MetricInfo("rmse", "RMSE in levels", SMALLER),
    MetricInfo("elbo_error", "Monte-Carlo error of ELBO", SMALLER),
)
"""Metrics of the studies that were stored before manifests said theirs, frozen."""


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Words for a name that is none of the known metrics: all of them, and the one most like it."""
    names = list(known)
    near = [one for one in names if one.startswith(name)] or difflib.get_close_matches(name, names, n=1)
    words = f"{what} must be one of {', '.join(names)}, got {name!r}"
    return f"{words}; did you mean {near[0]}?" if near else words
