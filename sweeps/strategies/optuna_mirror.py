"""Mirrors search histories to an Optuna storage, for optuna-dashboard; the storage may be locked, slow or away.

The stored rows are the truth, from which a search is rebuilt: a history that cannot be written now is written later.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

PAUSE_SECONDS = 5.0
"""Seconds between two attempts after a failed write."""

PATIENCE_SECONDS = 60.0
"""Seconds that the end of a study waits for the last write."""


@final
@dataclass(frozen=True)
class History:
    """Results that a search was told.

    Attributes:
        metrics: search metrics.
        directions: better direction of each.
        trials: trials with a result.
    """

    metrics: Sequence[str]
    directions: Sequence[StudyDirection]
    trials: Sequence[FrozenTrial]


@final
class OptunaMirror:
    """Writes histories in a thread of its own, so that training does not wait.

    Args:
        storage: an RDB URL such as sqlite:///optuna.db, or the path of a journal file.
        warn: called once, with a message, when the storage cannot be written.

    Raises:
        ValueError: it can never be a storage.
    """

    def __init__(self, storage: str, warn: Callable[[str], None]) -> None:
        self.shown = check(storage)
        self.storage, self._warn = storage, warn
        self._newest: Mapping[str, History] = {}
        self._pending, self._error = False, ""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        warnings.filterwarnings("ignore", category=ExperimentalWarning)

    def put(self, histories: Mapping[str, History]) -> None:
        """Schedules histories for writing, by the name of their Optuna study; returns at once."""
        with self._changed:
            self._newest, self._pending = histories, True
            self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, daemon=True)
            self._thread.start()

    def finish(self, patience: float = PATIENCE_SECONDS) -> str:
        """Waits for the scheduled histories; returns '', or a message with the remedy if they are not written."""
        with self._changed:
            self._changed.notify_all()  # no further pause
            if self._changed.wait_for(lambda: not self._pending, patience):
                return ""
        return (
            f"the history is not all in {self.shown} ({self._error or 'it does not answer'}); "
            "when it can be written, the same command writes what is missing"
        )

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending)
                histories = self._newest
            try:
                for name, history in histories.items():
                    save(name, history, self.storage)
            except Exception as error:  # any error of the database or file system
                if not self._error:
                    self._warn(f"the Optuna storage {self.shown} cannot be written now ({_reason(error)})")
                self._error = _reason(error)
                with self._changed:
                    self._changed.wait(PAUSE_SECONDS)
            else:
                with self._changed:
                    self._pending = histories is not self._newest
                    self._changed.notify_all()


def check(storage: str) -> str:
    """Returns the storage without its password.

    Raises:
        ValueError: it is no URL of a database with an installed driver, or its folder does not exist.
    """
    if "://" not in storage:
        _check_folder(Path(storage))
        return storage
    try:
        url = make_url(storage)
        url.get_dialect().import_dbapi()
    except (ArgumentError, ImportError) as error:
        raise ValueError(f"--optuna-storage must be the URL of a database whose driver is installed, such as sqlite:///optuna.db, "
                         f"or the path of a journal file, but {storage.partition('://')[0]!r} cannot be used ({error}); "
                         "install the driver or choose another") from error  # fmt: skip
    if url.get_backend_name() == "sqlite" and url.database:
        _check_folder(Path(url.database))
    return url.render_as_string(hide_password=True)


def save(name: str, history: History, storage: str) -> None:
    """Writes a history into an Optuna storage; trials that are there stay.

    Args:
        name: the Optuna study's.
        history: a search's results.
        storage: as in `OptunaMirror`.
    """
    backend: Any = storage
    if "://" not in storage:
        backend = JournalStorage(JournalFileBackend(storage))
    study = optuna.create_study(
        study_name=name, storage=backend, load_if_exists=True, directions=history.directions
    )
    study.set_metric_names(list(history.metrics))
    study.add_trials(_missing(history.trials, study.get_trials(deepcopy=False)))


def _missing(trials: Iterable[FrozenTrial], stored: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    there = {trial.user_attrs.get("run_key") for trial in stored}
    return [trial for trial in trials if trial.user_attrs["run_key"] not in there]


def _check_folder(file: Path) -> None:
    folder = file.expanduser().absolute().parent
    if not folder.is_dir():
        raise ValueError(
            f"--optuna-storage must be in a folder that is there, but {folder} is not; make it or choose another"
        )


def _reason(error: BaseException) -> str:
    """First line of the error below Optuna's own, if there is one."""
    cause = error.__cause__ or error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0][:300]
