"""Many runs of MLflow in one transaction of its database.

MLflow opens a session for every call and commits it, five times a run or more, and each commit waits for the disk: that is
most of what a run costs. Its store takes its sessions from one attribute; here all calls get the same one for a while.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any, NoReturn

SESSIONS = "ManagedSessionMaker"
"""Attribute of MLflow's store of a database (`mlflow.store.tracking.sqlalchemy_store`); a server's has none."""


def possible(store: Any) -> bool:
    """Whether MLflow's store takes several calls in one transaction: one of a database, in a version whose sessions are as here."""
    sessions = getattr(store, SESSIONS, None)
    return callable(sessions) and "read_only" in inspect.signature(sessions).parameters


@contextlib.contextmanager
def one_transaction(store: Any) -> Iterator[None]:
    """All calls to MLflow's store in the block are one transaction, of which nothing stays where an error leaves it.

    Where that is not `possible`, each call is for itself.
    """
    if not possible(store):
        yield
        return
    sessions = getattr(store, SESSIONS)
    with sessions(read_only=False) as session:

        @contextlib.contextmanager
        def same(read_only: bool = True) -> Iterator[Any]:
            yield session
            session.flush()

        session.commit, session.rollback = session.flush, _refuse
        setattr(store, SESSIONS, same)
        try:
            yield
        finally:
            setattr(store, SESSIONS, sessions)
            del session.commit, session.rollback


def _refuse() -> NoReturn:
    """In place of a rollback for one call, which would take the others' with it."""
    raise RuntimeError("one of several calls to MLflow could not be carried out")
