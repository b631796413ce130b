"""What is trained: a configuration, and a run of it under one algorithm, λ and seed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from trainables import datasets, objectives
from trainables.parameters import checked, fusible, structural

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet

PRECISIONS = ("float32", "tf32", "bf16")
"""Precisions of the networks' products (`trainables.networks.precision`)."""

MOST_POINTS = 2048
"""Batch sizes are at most this; those of a run at most the training points of its data set."""

VECTOR = 32
"""Batch sizes are multiples of this, so that no element of a member falls into the scalar tail of a
vectorised CPU loop, where exp and log round differently: a run's bits do not depend on its neighbours."""


@dataclass(frozen=True, order=True)
class Configuration:
    """One point of the search space of the toy study.

    Attributes:
        depth: hidden layers of encoder and of decoder.
        width: units per hidden layer, of every network.
        critic_depth: hidden layers of the critic.
        batch_size: points per step, a multiple of 32.
        steps: encoder/decoder steps per critic step; an iteration is one critic step and these.
        learning_rate: Adam's rate, of every player.
        beta1: Adam's first-moment decay, of every player.
        critic_dropout: probability of dropping a hidden unit of the critic.
        weight_decay: decoupled decay of every network's parameters, times the rate at each step (Loshchilov & Hutter 2019).

    Raises:
        ValueError: a value is outside its bounds.
    """

    depth: int = structural(least=1)
    width: int = structural(least=1)
    critic_depth: int = structural(least=1)
    batch_size: int = structural(least=VECTOR, multiple=VECTOR, most=MOST_POINTS)
    steps: int = structural(least=1)
    learning_rate: float = fusible(above=0.0)
    beta1: float = fusible(least=0.0, below=1.0)
    critic_dropout: float = fusible(least=0.0, below=1.0)
    weight_decay: float = fusible(least=0.0, default=0.0)

    def __post_init__(self) -> None:
        for f in fields(self):
            value = checked(f.name, getattr(self, f.name), str(f.type), f.metadata)
            object.__setattr__(self, f.name, value)

    @property
    def key(self) -> str:
        """Hash of the hyper-parameters; the two algorithms' runs of one configuration pair on it."""
        return content_hash(self.content)

    @property
    def content(self) -> dict[str, int | float]:
        """Hyper-parameter -> value, without those that have the default which they declare."""
        return {name: value for name, value in vars(self).items() if value != DEFAULTS.get(name)}

    @property
    def structure(self) -> tuple[int, ...]:
        """The structural hyper-parameters, which the members of a cohort share."""
        return tuple(getattr(self, f.name) for f in fields(self) if f.metadata["structural"])


HYPER_PARAMETERS: dict[str, str] = {f.name: str(f.type) for f in fields(Configuration)}
"""Name -> 'int' | 'float' of every hyper-parameter, in reading order."""

DEFAULTS: dict[str, int | float] = {
    f.name: f.default for f in fields(Configuration) if f.default is not MISSING
}
"""Name -> default of the hyper-parameters that declare one: a study need not name them, and rows from before they were there have it."""


def columns(varied: Iterable[str]) -> dict[str, str]:
    """Name -> type of the hyper-parameters that a study's rows have: those without a default, and those that it varies."""
    names = set(varied)
    return {name: kind for name, kind in HYPER_PARAMETERS.items() if name not in DEFAULTS or name in names}


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
        if self.seed < 0:
            raise ValueError(f"seed must be >= 0, got {self.seed}")
        points, batch = len(self.dataset.train), self.configuration.batch_size
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
        return datasets.find(self.data)

    @property
    def stream_key(self) -> str:
        """Names the run's random streams: shared by algorithms, λ and precisions: pairs see the same draws."""
        return f"{self.configuration.key}/{self.seed}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a trial's configuration or a checkpoint."""
        return asdict(self)

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
    content = {
        "study": study,
        "algorithm": algorithm,
        "lam": lam,
        "seed": seed,
        "budget": budget,
        "data": data_version,
        **configuration,
    }
    if precision != "float32":  # all there was before; stored results keep their keys
        content["precision"] = precision
    if version != 1:
        content["version"] = version
    return content_hash(content)


def check(lam: float, budget: int, precision: str = "float32") -> None:
    """Raises ValueError where λ < 0 or is not finite, the iterations are < 1, or there is no such precision."""
    if not (math.isfinite(lam) and lam >= 0):
        raise ValueError(f"lambda must be finite and >= 0, got {lam}")
    if budget < 1:
        raise ValueError(f"iterations must be >= 1, got {budget}")
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")


def content_hash(content: Any) -> str:
    """16 hexadecimal digits of BLAKE2b over canonical JSON; equal content, equal hash."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
