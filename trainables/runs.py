"""What is trained: a configuration, and a run of it under one algorithm, λ and seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from trainables import datasets, objectives
from trainables.configurations import Configuration as Configuration
from trainables.configurations import content_hash as content_hash
from trainables.configurations import content_hashes

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet

PRECISIONS = ("float32", "tf32", "bf16")
"""Precisions of the networks' products (`trainables.networks.precision`)."""


@dataclass(frozen=True, order=True)
class Run:
    """Configuration × algorithm × λ × seed, trained once for `budget` iterations.

    Attributes:
        study: name of the study that declares it.
        algorithm: name of an objective, with values of its own hyper-parameters where they are not its defaults
            (`trainables.objectives.find`).
        lam: λ, the weight of the reconstruction terms; 0 of an algorithm that has none, whatever is given.
        seed: replication; with the configuration it selects the run's random streams.
        configuration: the hyper-parameters.
        budget: iterations.
        number: the configuration's number in the study's space; for reading, not part of the key.
        precision: of the networks' products (`trainables.networks.precision`).
        data: name of a data set (`trainables.datasets.find`).

    Raises:
        ValueError: λ < 0 or not finite, seed < 0, budget < 1, no such precision or data set, or a batch larger than that.
    """

    study: str
    algorithm: str
    lam: float
    seed: int
    configuration: Configuration
    budget: int
    number: int = field(default=0, compare=False)
    precision: str = "float32"
    data: str = "mixture5"

    def __post_init__(self) -> None:
        check(self.lam, self.budget, self.precision)
        object.__setattr__(self, "configuration", self.configuration.on(datasets.find(self.data)))
        if self.seed < 0:
            raise ValueError(f"seed must be >= 0, got {self.seed}")
        points = min(domain.train_points for domain in self.dataset.domains)
        batch = self.configuration.batch_size
        if batch > points:
            raise ValueError(
                f"batch_size must be <= {points}, the training points of {self.data}, got {batch}"
            )
        objective = objectives.find(self.algorithm)
        if reason := objective.misfit(batch):
            raise ValueError(f"{self.algorithm} {reason}, got {batch}")
        object.__setattr__(self, "lam", float(self.lam) + 0.0 if objective.lam else 0.0)  # -0.0 is 0.0

    @property
    def key(self) -> str:
        """Hash of everything the result depends on; never of a position in a grid."""
        return self.key_at(self.lam)

    def key_at(self, lam: float) -> str:
        """The key at another λ: of an algorithm that has none, the key of rows from when it was trained at each."""
        return run_key(
            self.study,
            self.algorithm,
            lam,
            self.seed,
            self.budget,
            self.dataset.version,
            self.configuration.content,
            self.precision,
            self.version,
        )

    @property
    def version(self) -> int:
        """Of its objective."""
        return objectives.find(self.algorithm).version

    @property
    def dataset(self) -> DataSet:
        """What it is trained on."""
        return datasets.sized(self.data, self.configuration.z_dim)

    @property
    def stream_key(self) -> str:
        """Names the run's random streams: shared by algorithms, λ and precisions: pairs see the same draws."""
        return f"{self.configuration.key}/{self.seed}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a trial's configuration or a checkpoint."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**values, "configuration": self.configuration.values}

    @property
    def hyper_parameters(self) -> dict[str, Any]:
        """Hyper-parameter -> value of its configuration; what follows the data set is what it is there."""
        return self.configuration.values_on(self.dataset)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Run:
        return cls(**{**values, "configuration": Configuration(**values["configuration"])})


def run_key(
    study: str,
    algorithm: str,
    lam: float,
    seed: int,
    budget: int,
    data_version: str,
    configuration: Mapping[str, object],
    precision: str,
    version: int,
) -> str:
    """Key of a run, from the content of its configuration (`Configuration.content`) and the versions of its data and objective."""
    shared = _shared(study, budget, data_version, configuration, precision, version)
    return content_hash({**shared, **dict(zip(VARYING, (algorithm, lam, seed), strict=True))})


def keys_like(run: Run) -> Callable[[str, float, int], str]:
    """Function of algorithm, λ and seed to the `key` of a run that has them and is otherwise as `run`, in a twentieth of the time."""
    dataset, content = run.dataset.version, run.configuration.content
    systems: dict[str, tuple[bool, Callable[..., str]]] = {}
    by_version: dict[int, Callable[..., str]] = {}

    def key(algorithm: str, lam: float, seed: int) -> str:
        if algorithm not in systems:
            objective = objectives.find(algorithm)
            shared = _shared(run.study, run.budget, dataset, content, run.precision, objective.version)
            of = by_version.setdefault(objective.version, content_hashes(shared, VARYING))
            systems[algorithm] = (objective.lam is not None, of)
        weighed, of = systems[algorithm]
        return of(algorithm, float(lam) + 0.0 if weighed else 0.0, seed)

    return key


VARYING = ("algorithm", "lam", "seed")
"""Content of a run's key in which the runs of one configuration differ."""


def _shared(
    study: str,
    budget: int,
    data_version: str,
    configuration: Mapping[str, object],
    precision: str,
    version: int,
) -> dict[str, Any]:
    """Content of a run's key without VARYING."""
    content = {"study": study, "budget": budget, "data": data_version, **configuration}
    if precision != "float32":  # all there was before; stored results keep their keys
        content["precision"] = precision
    if version != 1:
        content["version"] = version
    return content


def check(lam: float, budget: int, precision: str = "float32") -> None:
    """Raises ValueError where λ < 0 or is not finite, the iterations are < 1, or there is no such precision."""
    if not (math.isfinite(lam) and lam >= 0):
        raise ValueError(f"lambda must be finite and >= 0, got {lam}")
    if budget < 1:
        raise ValueError(f"iterations must be >= 1, got {budget}")
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
