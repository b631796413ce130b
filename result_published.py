"""Published numbers that a study reproduces: its file declares them, the manifest carries them, the report puts its runs beside them.

Shared by `sweeps` and `analysis`; imports neither.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Statement:
    """One published number, or a statement in words.

    Attributes:
        algorithm: as in the rows, or words for one that is not among them.
        words: the statement as the report shows it.
        source: authors, year, place in the paper.
        lam: λ, or None if it is of none.
        metric: the metric's column in the rows, or '' for a statement in words.
        value, std: mean and standard deviation as printed; None if not printed.

    Raises:
        ValueError: the words or the source are empty, or a number is not finite.
    """

    algorithm: str
    words: str
    source: str
    lam: float | None = None
    metric: str = ""
    value: float | None = None
    std: float | None = None

    def __post_init__(self) -> None:
        for name in ("algorithm", "words", "source"):
            if not getattr(self, name):
                raise ValueError(
                    f"{name} of a published statement must be given, got '' of {self.algorithm or self.words}"
                )
        for name in ("lam", "value", "std"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise ValueError(
                    f"{name} of a published statement must be finite or None, got {number} of {self.algorithm}"
                )


@dataclass(frozen=True)
class Published:
    """Published statements, and the runs beside which they can stand.

    Attributes:
        data: name of the data set that they are about, in a manifest its version.
        iterations: budget from which runs are comparable in kind.
        statements: in reading order.
    """

    data: str = ""
    iterations: int = 0
    statements: tuple[Statement, ...] = ()

    def check(self, metrics: Iterable[str]) -> None:
        """Raises ValueError if a statement is about none of these metrics, or about data that are not named."""
        known = list(metrics)
        if self.statements and not self.data:
            raise ValueError("published statements must name the data set that they are about, got data=''")
        for one in self.statements:
            if one.metric and one.metric not in known:
                raise ValueError(
                    f"a published statement must be of one of {', '.join(known)}, or of '', got {one.metric!r}"
                )

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Published:
        """The same as JSON has it. Raises TypeError, KeyError or ValueError if it is none."""
        statements = tuple(Statement(**one) for one in fields["statements"])
        return cls(str(fields["data"]), int(fields["iterations"]), statements)
