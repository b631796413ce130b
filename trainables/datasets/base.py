"""What a data set is: points to train and test on, the spaces of a model of them, and what is known of them."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple, Self

import torch
from torch import Tensor

from result_names import variant
from trainables.parameters import declared
from trainables.recognition.base import Recogniser, Told

Means = tuple[tuple[float, ...], ...]
"""Means of modes, [modes, x_dim]."""


def squared_distances(x: Tensor, means: Means) -> Tensor:
    """‖x − μ_k‖² to each of the means: [..., modes] from [..., x_dim]."""
    at = torch.tensor(means, dtype=x.dtype, device=x.device)
    return (x.unsqueeze(-2) - at).square().sum(-1)


def balanced(labels: Tensor, count: int) -> Tensor:
    """Which `count` rows to take so that no class has two more than another, the first ones of each: bool [n].

    Args:
        labels: one-hot [n, classes]. A class of too few rows gives all of them, and the others more.
    """
    before = (labels.cumsum(0) * labels).sum(-1)  # the how-manieth of its class a row is
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    chosen[before.argsort(stable=True)[:count]] = True
    return chosen


LOW_DIMENSION = 10
"""Most coordinates of points whose distances are compared as they are: neighbours tell densities apart up to there."""


class Annealing(NamedTuple):
    """Length of the annealing by which the likelihood of a point is estimated (`trainables.estimators.annealing.ais`).

    Attributes:
        chains, temperatures, leapfrog: chains of a point, distributions between prior and posterior, and leapfrog steps at each.
        step: first step size.
        rate: by which step sizes adapt; the fewer temperatures, the faster they must.
    """

    chains: int
    temperatures: int
    leapfrog: int = 5
    step: float = 0.1
    rate: float = 0.05


class DataSet(ABC):
    """Points and facts about them, which metrics read (`trainables.metrics`). Final subclasses set the attributes.

    Hyper-parameters of its own, such as how its points are represented, are declared in its class with `own`.

    Args:
        values: of its own hyper-parameters, where they are not the defaults.

    Raises:
        ValueError: it has no such hyper-parameter, or a value is out of bounds.

    Attributes:
        name: what a study calls it; with values of its own hyper-parameters, where they are not the defaults.
        version: names its points, how models of them generate, and the facts that metrics read, and ends in a number, as
            digits-v2: it is raised where these change, and stored runs keep their own.
        shape: of a point, as one looks at it.
        x_dim, z_dim, noise_dim: dimensions of a point, of a code, and of the noise that implicit networks take.
        classes: labels that follow each point in its row, one-hot.
        binary: whether an explicit decoder is Bernoulli, with logits, or Gaussian, with means and log-variances.
        ink: whether pictures of grey images show ink on paper, 1 black, as of handwriting; else light, 1 white, as of photographs.
        bounded: whether points lie in [0, 1], so that what an implicit decoder gives is squashed into it by a sigmoid.
        levels: of a dimension of quantised data, which lie in [0, 1] with the uniform noise of one level added; or None.
        single: whether there is one observation, and all rows are that.
        known: networks that come with the data and are not trained, by name: the decoder, where p(x|z) is known.
        coordinates: names of a point's coordinates, where they have any; then a point is what is generated there.
        modes: means of the equally likely Gaussians that the points were drawn from, where they were.
        mode_variance: of each of these, in every direction.
        distinct: how many points there are at all, of data of a few, equally often; the first test points are these.
        likelihood_points: so many of the first test points have their log-likelihood estimated; 0 for none.
        annealing: of these points, as long as their decoders have time for; or None for that of small decoders.
        importance_codes: codes of each of these by which an encoder's own bound of it is estimated; 0 for none.
        log_evidence: log p(x) in nats of the one observation of a known model, or None.
    """

    name: str
    shape: ClassVar[tuple[int, ...]]
    x_dim: ClassVar[int]
    z_dim: ClassVar[int]
    noise_dim: ClassVar[int]
    classes: ClassVar[int] = 0
    binary: bool = False
    ink: ClassVar[bool] = False
    bounded: ClassVar[bool] = False
    levels: int | None = None
    single: ClassVar[bool] = False
    known: ClassVar[Mapping[str, Callable[..., Tensor]]] = {}
    coordinates: ClassVar[tuple[str, ...]] = ()
    modes: ClassVar[Means] = ()
    mode_variance: ClassVar[float] = 0.0
    distinct: ClassVar[int | None] = None
    likelihood_points: ClassVar[int] = 0
    annealing: ClassVar[Annealing | None] = None
    importance_codes: ClassVar[int] = 0

    def __init__(self, **values: object) -> None:
        known = declared(type(self))
        for name, value in values.items():
            if name not in known:
                listed = f"the hyper-parameters {', '.join(known)}" if known else "no hyper-parameter"
                raise ValueError(f"{self.name} has {listed} of its own, got {name!r}")
            vars(self)[name] = known[name].check(value)
        if known:
            self.called(self.name)

    def called(self, name: str) -> DataSet:
        """Itself, by this name, which values of its own hyper-parameters follow where they are not the defaults."""
        known = declared(type(self))
        self.plain = name
        self.name = variant(name, {n: v for n, v in self.own.items() if v != known[n].default})
        return self

    @property
    def own(self) -> dict[str, int | float | str]:
        """Hyper-parameter of its own -> value."""
        return {name: getattr(self, name) for name in declared(type(self))}

    def changed(self, **values: object) -> Self:
        """The data set with these values of its own hyper-parameters. Raises ValueError as the class."""
        found = type(self)(**{**self.own, **values})
        found.called(self.plain)
        return found

    @property
    @abstractmethod
    def version(self) -> str:
        """As in the attributes above. Raises ValueError where it is read from files that are not here."""

    @property
    @abstractmethod
    def train(self) -> Tensor:
        """Training points and their labels [n, x_dim + classes], float32, the same for every run."""

    @property
    @abstractmethod
    def test(self) -> Tensor:
        """Test points and their labels [n, x_dim + classes], float32."""

    def has_version(self, version: str) -> bool:
        """Whether rows of this version are of it; nothing is read for a version of another data set."""
        return self.version == version

    def prepare(self, told: Told) -> None:  # noqa: B027
        """Makes what takes long and is kept beside the files that it is read from, where it is not there yet; says a line of it."""

    @property
    def train_points(self) -> int:
        """Number of training points."""
        return len(self.train)

    @property
    def stored(self) -> Tensor:
        """Training points as they are kept in memory and on a device, [train_points, ...]."""
        return self.train

    def rows(self, stored: Tensor, numbers: Tensor) -> Tensor:
        """Points as models see them, float32 [..., x_dim + classes]: a function of each point and its number alone.

        Args:
            stored: some of the points of `stored`, [..., width].
            numbers: their numbers there, int64 [...].
        """
        return stored

    @property
    def as_stored(self) -> bool:
        """Whether models see points, and nothing beside them, as they are stored."""
        return type(self).rows is DataSet.rows and self.other is None

    @property
    def other(self) -> DataSet | None:
        """A second domain: of data that have one, codes z are its points, in place of draws from the prior. Then z_dim is its x_dim."""
        return None

    @property
    def domains(self) -> tuple[DataSet, ...]:
        """Itself, and the second domain where there is one."""
        return (self, self.other) if self.other else (self,)

    @property
    def alike(self) -> bool:
        """Whether there is a second domain, of points and classes like its own."""
        return self.other is not None and (self.other.shape, self.other.classes) == (self.shape, self.classes)

    @property
    def other_modes(self) -> Means:
        """Of the second domain the `modes`."""
        return self.other.modes if self.other else ()

    @functools.cached_property
    def labelled(self) -> float:
        """Share of the training points that have a label; those of the others are all 0."""
        return float(self.train[:, self.x_dim :].sum()) / len(self.train)

    @property
    def reference(self) -> Tensor | None:
        """What generated points are compared with where it is not the data: [n, *shape]; or None."""
        return None

    @property
    def mode_std(self) -> float:
        """Standard deviation of each mode, in every direction."""
        return self.mode_variance**0.5

    @property
    def log_evidence(self) -> float | None:
        """As in the attributes above."""
        return None

    @property
    def posterior(self) -> bool:
        """Whether there is a `log_posterior`."""
        return type(self).log_posterior is not DataSet.log_posterior

    def log_posterior(self, x: Tensor) -> Tensor:
        """log p(class | x), exact or by a classifier of these data: [..., classes] from float64 points [..., x_dim]."""
        raise NotImplementedError(f"{self.name} has no posterior of its classes")

    @property
    def density(self) -> bool:
        """Whether there is a `log_density`."""
        return type(self).log_density is not DataSet.log_density

    def log_density(self, x: Tensor) -> Tensor:
        """log p(x) in nats, exact, of the distribution that the points were drawn from: [...] from float64 points [..., x_dim]."""
        raise NotImplementedError(f"{self.name} has no known density of its points")

    @property
    def low_dimensional(self) -> bool:
        """Whether points are spread over few coordinates, so that samples compare by distances of the points themselves."""
        few = self.x_dim <= LOW_DIMENSION
        return few and not (self.featured or self.binary or self.distinct or self.single)

    @property
    def recogniser(self) -> Recogniser | None:
        """Maps images of these data to features and classes, as image metrics see them; it may be trained when first asked for."""
        return None

    @property
    def featured(self) -> bool:
        """Whether there is a `recogniser`; none is made by the question."""
        return type(self).recogniser is not DataSet.recogniser

    @property
    def windowed(self) -> bool:
        """Whether a point is an image [c, h, w] or [h, w] of at least 11 × 11 pixels, the window of SSIM."""
        return len(self.shape) in (2, 3) and min(self.shape[-2:]) >= 11

    def features(self, x: Tensor) -> Tensor:
        """Features [n, d] of points [n, x_dim], float64: the points themselves where they are `low_dimensional`.

        Raises:
            NotImplementedError: they are not, and there is no `recogniser`.
        """
        if self.low_dimensional:
            return x.double()
        if self.recogniser is None:
            raise NotImplementedError(f"{self.name} has no recogniser of its points")
        return self.recogniser(x).features

    @property
    def test_features(self) -> Tensor:
        """Features of the test points, [n, d], on the CPU; found once in a process."""
        return _test_features(self, self.recogniser)

    def straightened(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Codes [n, d] under a map that makes the known posterior of one observation round, and log|det| [n] of the map.

        The sign of the first coordinate may tell two modes apart.
        """
        return z, torch.zeros_like(z[:, 0])


@functools.cache
def _test_features(data: DataSet, recogniser: Recogniser | None) -> Tensor:
    with torch.inference_mode(False), torch.no_grad():
        return data.features(data.test[:, : data.x_dim])
