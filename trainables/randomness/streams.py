"""Named random streams, each a pure function of a key and a name.

A member of a cohort draws from streams of its own, so its numbers do not depend on its neighbours,
and nothing random needs to be saved: a stream is found again by its name.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(key: str, *name: str | int) -> np.random.Generator:
    """The generator named `name` under `key`; the same in every process and on every machine.

    SFC64 because it is numpy's fastest: drawing noise competes with training narrow networks.
    """
    return np.random.Generator(np.random.SFC64(_digest(key, name)))


def stream_key(key: str, *name: str | int) -> np.ndarray:
    """The two words of a counter-based stream's key (`trainables.randomness.philox`), uint32 [2]."""
    return _digest(key, name)[:2]


def _digest(key: str, name: tuple[str | int, ...]) -> np.ndarray:
    digest = hashlib.blake2b("/".join((key, *map(str, name))).encode(), digest_size=32).digest()
    return np.frombuffer(digest, dtype="<u4")
