"""Which runs of a very large study are mirrored: MLflow takes some 50 runs a second, and its pages show thousands, not millions.

A sample is drawn by pairs: a hash of configuration and seed decides, so that it has every algorithm at every λ in proportion, each
with the same configurations and seeds. The share is a power of a half, and a smaller sample part of a larger one: what is
mirrored depends on the keys and the number of runs alone, not on when a mirror was started or stopped.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from result_metrics import unknown
from result_schema import Outcome
from sweeps.tracking.follower import AUTO

ALL, SAMPLE, AGGREGATES = "all", "sample", "aggregates"
BOTH = f"{SAMPLE}+{AGGREGATES}"
POLICIES = (AUTO, ALL, SAMPLE, AGGREGATES, BOTH)
"""What can be asked of a mirror; AUTO is ALL up to MOST runs, and BOTH beyond."""

MOST = 20_000
"""Runs up to which all are mirrored where nothing else is asked."""

SAMPLED = 10_000
"""Runs of a sample at most, and aggregated runs."""

EVIDENT = (Outcome.DIVERGED, Outcome.FAILED)
"""Outcomes of which a sample has every run."""


@dataclass(frozen=True)
class Selection:
    """What is mirrored of a study.

    Attributes:
        policy: one of POLICIES but AUTO.
        halvings: the sample is every 2^halvings-th pair.
    """

    policy: str
    halvings: int

    @property
    def sampled(self) -> bool:
        """Whether runs are sampled."""
        return self.policy in (SAMPLE, BOTH)

    @property
    def aggregated(self) -> bool:
        """Whether configurations have runs of their own."""
        return self.policy in (AGGREGATES, BOTH)

    @property
    def share(self) -> str:
        """The sample's share of all runs, such as 1/64."""
        return f"1/{2**self.halvings}"

    def drawn(self, rows: pa.Table) -> npt.NDArray[np.bool_]:
        """Whether each row, of columns `configuration_key` and `seed`, is in the sample."""
        numbers = _mixed(_spread(rows["configuration_key"]), rows["seed"].to_numpy())
        return _least(numbers, self.halvings)

    def chosen(self, rows: pa.Table) -> npt.NDArray[np.bool_]:
        """Whether each row, with its column `outcome` too, is mirrored; the exemplars are to be added."""
        if not self.sampled:
            return np.full(rows.num_rows, self.policy == ALL)
        evident = pc.is_in(rows["outcome"].cast(pa.string()), value_set=pa.array([o.value for o in EVIDENT]))
        return self.drawn(rows) | evident.to_numpy()

    def words(self) -> str:
        """What MLflow has, in words; '' where that is all."""
        parts = []
        if self.sampled:
            whole = (
                "every run"
                if not self.halvings
                else f"a sample of {self.share} of the runs by configuration and seed"
            )
            parts = [
                whole,
                "every run that diverged or failed",
                "the best, median and worst of each algorithm and λ",
            ]
        if self.aggregated:
            parts.append("means over the seeds of each configuration (tags.kind = 'configuration')")
        return ", ".join(parts)


def check(policy: str) -> str:
    """Returns the policy. Raises ValueError if it is none."""
    if policy not in POLICIES:
        raise ValueError(unknown("--mirror", policy, POLICIES))
    return policy


def selection(policy: str, runs: int) -> Selection:
    """What is mirrored of so many runs under one of POLICIES."""
    if policy == AUTO:
        policy = ALL if runs <= MOST else BOTH
    return Selection(policy, halvings(runs))


def halvings(count: int) -> int:
    """How often a number is halved until it is SAMPLED at most."""
    return max(0, int(np.ceil(np.log2(max(count, 1) / SAMPLED))))


def within(keys: pa.ChunkedArray, halvings: int) -> npt.NDArray[np.bool_]:
    """Whether each text is in a sample of every 2^halvings-th one."""
    return _least(_spread(keys), halvings)


def _least(numbers: npt.NDArray[np.uint64], halvings: int) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = numbers >> np.uint64(32) < 2.0 ** (32 - halvings)
    return found


def _spread(keys: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """A number for each text, the same for the same text, evenly spread over 64 bits."""
    encoded = keys if pa.types.is_dictionary(keys.type) else keys.dictionary_encode()
    numbers = [np.empty(0, np.uint64)]
    for chunk in encoded.chunks:
        texts = chunk.dictionary.to_pylist()
        digests = b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
        numbers.append(np.frombuffer(digests, "<u8")[chunk.indices.to_numpy()])
    return np.concatenate(numbers)


def _mixed(numbers: npt.NDArray[np.uint64], seeds: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """A number for each pair. Source: Steele et al. 2014, SplitMix64."""
    mixed = numbers ^ (seeds.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
