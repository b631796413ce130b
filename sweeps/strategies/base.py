"""Interface of a strategy: the runs of a study that are still to be trained, and the order in which results need them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import pyarrow.compute as pc
from rich.console import Console

from result_reading import read_runs
from result_schema import GRID
from sweeps.planning.stages import Stage
from sweeps.store.store import Store
from trainables.runs import Run


class Strategy(ABC):
    """Chooses the runs of a study: declared minus stored. It yields stages; the executor trains them."""

    at_once = False
    """True if all is one stage, known before training."""

    unit = "runs"
    """Word for that which progress counts."""

    may_end = False
    """True if results can say that no other stage is needed."""

    @property
    @abstractmethod
    def declared(self) -> int:
        """Number of declared runs."""

    @property
    @abstractmethod
    def todo(self) -> int:
        """Number of declared runs to train, at most."""

    @property
    def already(self) -> int:
        """Number of declared runs that are stored."""
        return self.declared - self.todo

    @property
    def counted(self) -> int:
        """Units of progress that are done before training."""
        return self.already

    @property
    def trainings(self) -> int:
        """Units of progress that training adds, at most."""
        return self.todo

    def examples(self) -> Iterable[Run]:
        """Runs that between them need all the code that is compiled for the study, as far as they are known."""
        return ()

    def begin(self, console: Console) -> None:  # noqa: B027  most have nothing to prepare
        """Prepares for training; warnings go to the console from then on."""

    @abstractmethod
    def stages(self) -> Iterator[Stage]:
        """Stages to train, once; the next one is to be asked for when the rows of the last are stored."""

    def settle(self) -> None:  # noqa: B027  nor to take up
        """Takes up the rows of a stage after which no other was asked for: training was interrupted."""

    @property
    def looks(self) -> tuple[int, ...]:
        """Units at which it is judged, by plan, whether to train on; none if all is trained."""
        return ()

    @property
    def sampler(self) -> str:
        """Proposer of its runs, as rows name it."""
        return GRID

    def reported(self, store: Store, iterations: int) -> str | None:
        """Sampler whose rows of a budget the report shows: its own, or None, for the one with most rows, if other samplers
        proposed and trained all its runs before.
        """
        rows = read_runs(store.uri, ("sampler", "budget"))
        own = pc.and_(pc.equal(rows["sampler"], self.sampler), pc.equal(rows["budget"], iterations))
        return self.sampler if pc.any(own).as_py() else None

    @abstractmethod
    def run_keys(self) -> Iterable[str]:
        """Keys of the declared runs, of a search as far as they are proposed."""

    def stored(self, store: Store) -> dict[str, str]:
        """Run key -> outcome of the stored rows."""
        return store.outcomes()

    def outcomes(self, stored: Mapping[str, str]) -> Counter[str]:
        """Outcome -> number of the declared runs that have it.

        stored: as `stored` returns them.
        """
        return Counter(stored[key] for key in self.run_keys() if key in stored)

    @abstractmethod
    def unfinished(self, outcomes: Mapping[str, str]) -> int:
        """Number of declared runs that are still to be trained.

        outcomes: run key -> outcome of the stored rows.
        """

    @abstractmethod
    def conclude(self, console: Console) -> None:
        """Prints results that the report does not show."""
