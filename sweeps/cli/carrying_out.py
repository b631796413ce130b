"""A strategy carried out: its runs trained, mirrored and reported, with what is said of them."""

from __future__ import annotations

from result_schema import FINISHED
from sweeps.cli.ending import TERMINATED, Ending
from sweeps.cli.reporting import Reported
from sweeps.planning.slots import Slots
from sweeps.store import kept_models
from sweeps.store.lease import Lease
from sweeps.strategies.base import Strategy
from sweeps.strategies.settled import Record

LAST_SECONDS = 3.0
"""Seconds that the mirror has after SIGTERM, whose sender will not wait long; what is left can be mirrored later."""


def carry_out(
    work: Strategy,
    slots: Slots | None,
    record: Record | None,
    ending: Ending,
    kept: str = "",
    keep: str = kept_models.NONE,
) -> int:
    """Train it on these slots, if there is something to train, mirror it and report it; returns the exit code.

    kept: words for what is stored of other versions, or ''.
    keep: models to keep (`kept_models.KEEP`).
    """
    store, console = ending.store, ending.console
    console.print(
        f"{ending.study}: {work.declared} runs declared, {work.already} stored, {work.todo} to train"
    )
    if kept:
        console.print(f"kept      {kept}")
    if not work.todo and (known := ending.known(sampler := work.reported(store, ending.iterations))):
        kept_models.settle(store, keep, console)
        return ending.conclude(work, record, [], sampler, lambda: (Reported(), known))
    follower = ending.follow(work.declared)
    errors = []
    try:
        if slots and work.todo:
            from sweeps.execution import executor  # Ray

            errors = executor.train(work, store, slots, console, keep)
            ending.fold()
    except BaseException:
        follower.leave()
        raise
    if isinstance(store.token, Lease) and store.token.stopping.is_set():
        follower.finish(LAST_SECONDS)
        counts = work.outcomes(work.stored(store))
        stored = sum(counts[outcome] for outcome in FINISHED)
        console.print(f"stopped   {stored} runs are finished, those in training are kept as far as they came; "
                      "give the same command again to continue")  # fmt: skip
        return TERMINATED
    kept_models.settle(store, keep, console)
    sampler = work.reported(store, ending.iterations)
    return ending.conclude(work, record, errors, sampler, ending.finish(follower, slots, sampler))
