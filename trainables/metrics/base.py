"""Interface of a metric: one number of ONE trained model, with its label, direction and needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Self

from torch import Tensor

from result_metrics import MetricInfo
from trainables.metrics.evaluated import Evaluated

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet
    from trainables.models.spec import Form

NETWORKS = ("encoder", "decoder", "classifier")
"""Networks that a metric may need; of each also that it is explicit, as in 'explicit decoder'."""
OF_MODELS = ("labels", "bound", *NETWORKS, *(f"explicit {network}" for network in NETWORKS))
"""Needs that a metric may have of a model: networks that take labels, an objective with a lower bound, a network."""
OF_DATA = (
    "classes",
    "posterior",
    "modes",
    "levels",
    "distinct",
    "single",
    "bounded",
    "binary",
    "log_evidence",
    "likelihood_points",
    "importance_codes",
    "featured",
    "windowed",
    "density",
    "low_dimensional",
    "other",
    "alike",
    "other_modes",
)
"""Needs that a metric may have of data: attributes of `datasets.base.DataSet` that are set."""


RECOGNISED = ("featured", "posterior")
"""Needs of data that a recogniser of images meets."""


class When(Enum):
    """When a metric is taken."""

    EVERY = "at every evaluation"
    END = "after the last iteration"


EVERY, END = When.EVERY, When.END


class Metric(ABC):
    """One number of ONE model at the test points; vectorising over the members of a cohort is done outside.

    Subclasses set the attributes; name, label, better, log, smallest, best, worst, unit and infinite are those of
    `result_metrics.MetricInfo`.

    Attributes:
        when: EVERY or END; a learning curve has the former alone, and runs are halved by those alone.
        alone: whether models are taken one after the other, each with random numbers of its own (`Evaluated.draw`), and not
            all of a cohort under `torch.func.vmap`, which has no branches on values.
        needs: what it takes, all of it: words of OF_MODELS and OF_DATA. 'a or b' takes one of the two, 'not a' its absence.
        path: import path by which it was named; empty where its name finds it.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    better: ClassVar[int]
    log: ClassVar[bool] = False
    smallest: ClassVar[float | None] = None
    best: ClassVar[float | None] = None
    worst: ClassVar[float | None] = None
    unit: ClassVar[str] = ""
    infinite: ClassVar[bool] = False
    when: ClassVar[When] = EVERY
    alone: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ()
    path: str = ""

    @abstractmethod
    def __call__(self, at: Evaluated) -> Tensor:
        """Its value, a scalar of floating point."""

    def best_on(self, data: DataSet) -> float | None:
        """Its best possible value on these data, where they decide it; else None."""
        return None

    def passes(self, data: DataSet) -> Mapping[str, float]:
        """Network -> points that it sends through it, there and back counted as three, beside those that every evaluation does: what a
        run is expected to take (`engine.cost`).
        """
        return {}

    @property
    def info(self) -> MetricInfo:
        """Its entry in a manifest."""
        return MetricInfo(
            name=self.name,
            label=self.label,
            better=self.better,
            log=self.log,
            smallest=self.smallest,
            best=self.best,
            worst=self.worst,
            unit=self.unit,
            infinite=self.infinite,
            path=self.path,
        )

    @property
    def reference(self) -> str:
        """By which `find` finds it, in any process."""
        return self.path or self.name

    @property
    def recognises(self) -> bool:
        """Whether it may take features or classes of generated points, which images have by a recogniser."""
        return any(word in RECOGNISED for need in self.needs for word in need.split(" or "))

    @property
    def foreign(self) -> bool:
        """Whether it is from a repository of somebody's own."""
        return not type(self).__module__.startswith("trainables.")

    def called(self, path: str) -> Self:
        """The metric, known by its import path."""
        self.path = path
        return self

    def checked(self) -> Self:
        """The metric itself. Raises ValueError where it declares what cannot be."""
        kind = f"{type(self).__module__}:{type(self).__name__}"
        try:
            self.info  # noqa: B018
        except (AttributeError, TypeError) as error:
            raise ValueError(f"{kind} must declare name, label and better, but does not ({error})") from error
        if not isinstance(self.when, When):
            raise ValueError(f"{self.name}.when of {kind} must be EVERY or END, got {self.when!r}")
        if not isinstance(self.needs, tuple):
            raise ValueError(f"{self.name}.needs of {kind} must be a tuple of words, got {self.needs!r}")
        known = (*OF_MODELS, *OF_DATA)
        for need in self.needs:
            for word in need.split(" or "):
                if word.removeprefix("not ") not in known:
                    raise ValueError(
                        f"{self.name} of {kind} must need some of {', '.join(known)}, got {word!r}"
                    )
        return self

    def lacking(self, data: DataSet) -> str:
        """Needs that no model of these data can meet, in words; '' without any."""
        return ", ".join(
            need for need in self.needs if not any(_may_have(word, data) for word in need.split(" or "))
        )

    def applies_to(self, data: DataSet) -> bool:
        """Whether some model of these data can have it."""
        return not self.lacking(data)

    def applies(self, form: Form, data: DataSet, bound: bool) -> bool:
        """Whether models of this form on these data have it; `bound`: whether one of their objectives has a lower bound."""
        return all(any(_has(word, form, data, bound) for word in need.split(" or ")) for need in self.needs)


def _may_have(word: str, data: DataSet) -> bool:
    plain = word.removeprefix("not ")
    if plain == "labels" and plain == word:
        return bool(data.classes)
    return plain in OF_MODELS or bool(getattr(data, plain)) != (plain != word)


def _has(word: str, form: Form, data: DataSet, bound: bool) -> bool:
    plain = word.removeprefix("not ")
    network = plain.removeprefix("explicit ")
    if plain == "labels":
        found = form.conditional
    elif plain == "bound":
        found = bound
    elif network in NETWORKS:
        net = form.networks.get(network)
        found = net is not None and (net.explicit or plain == network)
    else:
        found = bool(getattr(data, plain))
    return found != (plain != word)
