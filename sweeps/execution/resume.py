"""Finds checkpoints of interrupted cohorts; their runs continue from them, regrouped if need be."""

from __future__ import annotations

import logging
from collections.abc import Set as AbstractSet

from sweeps.store.store import Store

LOG = logging.getLogger(__name__)
Begun = dict[str, tuple[int, str]]
"""Run key -> iterations done, and name of the stored state."""


def begun(store: Store, finished: AbstractSet[str]) -> Begun:
    """Interrupted runs, each with its furthest state.

    Removes states that cannot be read, whose runs begin anew, and states whose runs are all finished.
    """
    found: Begun = {}
    if not (names := sorted(store.begun())):
        return found
    from trainables.engine import checkpoint  # torch, which reads states

    for name in names:
        try:
            state = checkpoint.read(store.read_state(name))
        except checkpoint.DamagedError as error:
            LOG.warning("%s/states/%s.pt: %s", store.uri, name, error)
            store.drop_states([name])
            continue
        left = set(state["runs"]) - finished
        if not left:
            store.drop_states([name])
        for key in left:
            found[key] = max(found.get(key, (0, "")), (state["iteration"], name))
    return found
