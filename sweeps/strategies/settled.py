"""Strategy of a grid that is known to be trained: recalled without the runs, the data or torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import final

from rich.console import Console

import result_digests
from sweeps.planning.stages import Stage
from sweeps.store.store import Store
from sweeps.strategies.base import Strategy

ROWS = ("study.json", "runs")


@final
class Settled(Strategy):
    """A grid of which no run needs training.

    Args:
        counts: outcome -> number of runs.
        whose: sampler whose rows the report shows, or None.
    """

    def __init__(self, counts: Mapping[str, int], whose: str | None) -> None:
        self.counts, self.whose = Counter(counts), whose

    @property
    def declared(self) -> int:
        return self.counts.total()

    @property
    def todo(self) -> int:
        return 0

    def reported(self, store: Store, iterations: int) -> str | None:
        return self.whose

    def stages(self) -> Iterator[Stage]:
        return iter(())

    def run_keys(self) -> Iterable[str]:
        return ()

    def stored(self, store: Store) -> dict[str, str]:
        return {}  # the counts are known

    def outcomes(self, stored: Mapping[str, str]) -> Counter[str]:
        return self.counts

    def unfinished(self, outcomes: Mapping[str, str]) -> int:
        return 0

    def conclude(self, console: Console) -> None:
        """Prints nothing: the report shows it all."""


class Record:
    """Remembers that all declared runs are trained, as long as neither the rows nor the code change.

    Args:
        store: the study's.
        declaration: all that determines the declared runs, besides the code; each with a telling `repr`.
    """

    def __init__(self, store: Store, *declaration: object) -> None:
        self.store = store
        self.name = f"trained-{result_digests.digest(*map(repr, declaration))[:16]}"

    def recall(self) -> Settled | None:
        """The strategy, if all is known to be trained, else None. Raises OSError."""
        known = result_digests.recall(self.store.filesystem, self.store.path, self.name)
        if not known.get("inputs") or known["inputs"] != self._inputs():
            return None
        return Settled(known["outcomes"], known["reported"])

    def keep(self, rows: str, counts: Mapping[str, int], reported: str | None) -> None:
        """Remembers it, with the counts and the reported sampler of rows in this state (`rows`)."""
        if inputs := self._inputs(rows):
            content = {"inputs": inputs, "outcomes": dict(counts), "reported": reported}
            result_digests.record(self.store.filesystem, self.store.path, self.name, content)

    def rows(self) -> str:
        """State of the rows, to be taken before they are read. Raises OSError."""
        return result_digests.state(self.store.filesystem, self.store.path, *ROWS)

    def _inputs(self, rows: str | None = None) -> str:
        made_by = result_digests.code("sweeps", "trainables")
        return made_by and result_digests.digest(rows or self.rows(), made_by)
