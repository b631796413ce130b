"""Where cohorts that were cut off stand: the runs go on from there, in whatever cohorts they are cut into next."""

from __future__ import annotations

import logging
from collections.abc import Set as AbstractSet

from sweeps.store.store import Store

LOG = logging.getLogger(__name__)
Begun = dict[str, tuple[int, str]]
"""Run key -> iterations done, and name of the stored state that holds it."""


def begun(store: Store, finished: AbstractSet[str]) -> Begun:
    """The runs that were cut off, each from the state that goes furthest.

    States that cannot be read, and those of finished runs only, are removed: their runs begin anew.
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
