"""An Optuna storage is a mirror: written when it can be, once, and in nobody's way."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from rich.console import Console

from sweeps.execution import executor
from sweeps.planning.slots import Slots
from sweeps.store.store import Store
from sweeps.strategies import optuna_mirror
from sweeps.strategies.halving import Halving
from sweeps.strategies.optuna_mirror import History, OptunaMirror, check
from sweeps.strategies.optuna_search import Settings
from sweeps.strategies.search import Searches
from sweeps.study import Preset
from sweeps.toy_robustness import STUDY
from tests.sweeps.search_metrics import METRIC, SCORE
from tests.sweeps.test_optuna_search import finish, search
from tests.sweeps.test_staged import Trained, conclusion

KINDS = ["sqlite:///{}/optuna.db", "{}/optuna.log"]


def keys(storage: str, name: str = "mine") -> list[str]:
    """Run keys of the trials of a study there."""
    backend: Any = storage
    if "://" not in storage:
        backend = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(storage))
    return [
        trial.user_attrs["run_key"] for trial in optuna.load_study(study_name=name, storage=backend).trials
    ]


def history() -> History:
    one = search("nsga2")
    finish(one)
    return one.results()


@pytest.mark.parametrize("kind", KINDS)
def test_history_is_saved_once_as_an_optuna_storage(kind: str, tmp_path: Path) -> None:
    storage, whole = kind.format(tmp_path), history()
    warnings: list[str] = []
    for count in (10, 24, 24):
        mirror = OptunaMirror(storage, warnings.append)
        mirror.put({"mine": replace(whole, trials=whole.trials[:count])})
        assert mirror.finish() == ""
        assert sorted(keys(storage)) == sorted(trial.user_attrs["run_key"] for trial in whole.trials[:count])
    assert warnings == []


def test_what_a_locked_storage_misses_is_written_when_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optuna_mirror, "PAUSE_SECONDS", 0.05)
    storage, whole, warned = f"sqlite:///{tmp_path}/optuna.db?timeout=0.05", history(), threading.Event()
    warnings: list[str] = []
    first = OptunaMirror(storage, warnings.append)
    first.put({"mine": replace(whole, trials=whole.trials[:10])})
    assert first.finish() == ""

    def warn(words: str) -> None:
        warnings.append(words)
        warned.set()

    mirror = OptunaMirror(storage, warn)
    other = sqlite3.connect(tmp_path / "optuna.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    mirror.put({"mine": whole})  # returns at once
    assert warned.wait(60)
    words = mirror.finish(patience=0.2)
    assert "(database is locked" in words or "(it does not answer)" in words
    assert "the same command writes what is missing" in words
    other.execute("ROLLBACK")
    other.close()
    assert mirror.finish() == ""
    assert len(keys(storage)) == 24
    assert len(warnings) == 1
    assert "cannot be written now" in warnings[0]


@pytest.mark.parametrize(
    ("storage", "words"),
    [
        ("foo://x", "'foo' cannot be used"),
        ("://x", "'' cannot be used"),
        ("sqlite:////nonexistent/folder/x.db", "/nonexistent/folder is not"),
        ("/nonexistent/folder/journal", "/nonexistent/folder is not"),
    ],
)
def test_what_can_never_be_a_storage_is_refused(storage: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"--optuna-storage must be .*{words}"):
        check(storage)


def test_a_storage_is_shown_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlalchemy.dialects.postgresql.psycopg.PGDialect_psycopg.import_dbapi", lambda: None)
    assert "secret" not in check("postgresql+psycopg://me:secret@host/optuna")


def work(directory: Path, storage: str | None, budget: int = 60, **changes: Any) -> Searches:
    metric = changes.pop("metric", "inception_score")
    settings = Settings("tpe", (METRIC[metric],), 2, changes.pop("generation", 2), changes.pop("seed", 0), changes.pop("halving", None))  # fmt: skip
    precision = changes.pop("precision", "float32")
    return Searches(replace(STUDY, **changes), Preset(budget, (0.1,)), ["alice"], precision, settings, Store(str(directory)), storage)  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"}, {"data": "four_images"}, {"budget": 120}, {"metric": "mse_x"}, {"generation": 3},
        {"seed": 1}, {"precision": "bf16"}, {"halving": Halving(2, SCORE)},
        {"space": {**STUDY.space, "beta1": (0.5, 0.8)}},
    ],
)  # fmt: skip
def test_searches_that_differ_have_different_names_there(changes: dict[str, Any], tmp_path: Path) -> None:
    names = {work(tmp_path, None)._name("alice", 0.1), work(tmp_path, None, **changes)._name("alice", 0.1)}
    assert len(names) == 2
    assert work(tmp_path, None)._name("alice", 0.1) in names


def test_lambdas_that_are_shown_alike_have_different_names_there(tmp_path: Path) -> None:
    one = work(tmp_path, None)
    assert one._name("alice", 0.3) != one._name("alice", 0.1 + 0.2)


def test_nothing_is_written_there_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Trained(monkeypatch)
    storage = f"sqlite:///{tmp_path}/optuna.db"
    one = work(tmp_path / "s", storage)
    assert list(tmp_path.iterdir()) == []
    one.store.create(STUDY.name, STUDY.question, searched=True)
    executor.train(one, one.store, Slots(1, "cpu", {"CPU": 1.0}), Console(quiet=True))
    assert "best" in conclusion(one)
    assert sorted(keys(storage, one._name("alice", 0.1))) == sorted(one.run_keys())
