"""Trials that end without a result: their runs are FAILED, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray import cloudpickle, tune
from ray.exceptions import RaySystemError, RayTaskError
from rich.console import Console

from result_reading import read_runs
from sweeps.execution import tuner
from sweeps.execution.lost import Lost, reason
from sweeps.planning import cohort_plans
from sweeps.planning.slots import Slots
from sweeps.store.store import Store
from sweeps.toy_robustness import STUDY

SLOTS = Slots(1, "cpu", {"CPU": 1.0})
OUT_OF_MEMORY = (
    "Task was killed due to the node running low on memory.\nMemory was 0.9 GB / 1.0 GB.\nRefer to …"
)


class OfTune(SimpleNamespace):
    """A trial of Tune that has reported nothing, as its callbacks see it.

    Args:
        cohort: its configuration.
        errors: of its attempts, in order; an object is kept as such, beside the text.
    """

    def __init__(
        self, cohort: str, directory: Path = Path(), errors: Sequence[BaseException | str] = ()
    ) -> None:
        files = {"error_file": str(directory / "error.txt"), "pickled_error_file": None}
        for n, error in enumerate(errors, start=1):
            with Path(str(files["error_file"])).open("a") as text:
                text.write(f"Failure # {n} (occurred at 2026-11-28_03-17-38)\n{error}\n")
            if isinstance(error, BaseException):
                files["pickled_error_file"] = str(directory / "error.pkl")
                (directory / "error.pkl").write_bytes(cloudpickle.dumps(error))
        super().__init__(config={"cohort": cohort}, **files)


class Unreadable(RuntimeError):
    """Cannot be made again from its own arguments, as many exceptions cannot."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)


def task_error() -> RayTaskError:
    cause = RuntimeError("CUDA error: invalid device ordinal")
    return RayTaskError("train", f"Traceback:\n  File x\nRuntimeError: {cause}", cause)


def failed_rows(
    directory: Path, monkeypatch: pytest.MonkeyPatch, fit: Callable[[list[Any], str], None]
) -> list[str]:
    """Reasons in the rows of two runs in one cohort, where `fit` stands for Tune's: of its callbacks and the cohort."""

    class Tuner:
        def __init__(self, *arguments: Any, run_config: tune.RunConfig, **keywords: Any) -> None:
            self.callbacks: list[Any] = list(run_config.callbacks or ())

        def fit(self) -> None:
            fit(self.callbacks, plan.key)

    monkeypatch.setattr(tune, "Tuner", Tuner)
    store = Store(str(directory))
    store.create(STUDY.name, STUDY.question)
    (plan,) = cohort_plans.cut(STUDY.runs(STUDY.preset("smoke", limit=1, iterations=20)), 1)
    errors = tuner.train(store, [plan], 0, SLOTS, Console(quiet=True))
    rows = read_runs(store.uri).to_pylist()
    assert [row["outcome"] for row in rows] == ["FAILED", "FAILED"]
    assert errors == list({row["error"] for row in rows})
    return errors


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        (
            ["The actor died.", OUT_OF_MEMORY],
            "Task was killed due to the node running low on memory. Memory was",
        ),
        ([task_error(), OUT_OF_MEMORY], "Task was killed due to"),
        ([OUT_OF_MEMORY, task_error()], "RayTaskError: RuntimeError: CUDA error: invalid device ordinal"),
        ([RuntimeError("")], "RuntimeError: "),
        ([""], "Ray does not say why"),
        ([Unreadable("a", "b")], "its error cannot be read: TypeError: "),
        ([], "its error cannot be read: FileNotFoundError: "),
    ],
)
def test_runs_of_a_trial_that_dies_before_its_first_report_are_failed_with_the_reason(
    errors: list[BaseException | str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(callbacks: list[Any], cohort: str) -> None:
        trial = OfTune(cohort, tmp_path, errors)
        for callback in callbacks:
            callback.on_trial_error(1, [], trial)

    assert failed_rows(tmp_path / "s", monkeypatch, fit)[0].startswith(words)


@pytest.mark.parametrize("error", [RaySystemError("the raylet is gone"), tune.TuneError("no more")])
def test_runs_in_training_are_failed_with_the_reason_when_ray_itself_is_lost(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(callbacks: list[Any], cohort: str) -> None:
        for callback in callbacks:
            callback.on_trial_start(1, [], OfTune(cohort))
        raise error

    (words,) = failed_rows(tmp_path / "s", monkeypatch, fit)
    assert str(error) in words


def test_a_cohort_that_ends_well_is_not_lost_with_ray() -> None:
    lost, trial = Lost(), OfTune("a")
    lost.on_trial_start(1, [], trial)
    lost.on_trial_complete(1, [], trial)
    assert not lost.end(RaySystemError("gone"))
    assert lost.reasons == {}


def test_a_reason_is_one_line_and_not_endless() -> None:
    words = reason(RaySystemError("a\n" * 1_000))
    assert "\n" not in words
    assert len(words) == 500


@pytest.mark.parametrize("interrupted", [False, True])
def test_many_trials_are_several_experiments_and_none_after_an_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    experiments: list[list[str]] = []

    class Tuner:
        def __init__(
            self, *_: Any, run_config: tune.RunConfig, tune_config: tune.TuneConfig, **__: Any
        ) -> None:
            self.progress: Any = (run_config.callbacks or [])[0]
            self.keys: Any = tune_config.search_alg
            assert tune_config.num_samples == len(self.keys)

        def fit(self) -> None:
            experiments.append(self.keys)
            for key in self.keys[: 1 if interrupted else None]:
                trial = OfTune(key)
                self.progress.on_trial_start(0, [], trial)
                self.progress.on_trial_result(0, [], trial, {"iteration": 20, "diverged": 0, "stored": 1})

    monkeypatch.setattr(tune, "Tuner", Tuner)
    monkeypatch.setattr(tuner, "InOrder", lambda keys, *_: keys)
    monkeypatch.setattr(tuner, "TOGETHER", 2)
    monkeypatch.setattr(tuner, "TURNS", 1)
    store = Store(str(tmp_path / "study"))
    store.create(STUDY.name, STUDY.question)
    runs = STUDY.runs(STUDY.preset("smoke", iterations=20))[:5]
    plans = [plan for run in runs for plan in cohort_plans.cut([run], 1)]
    assert tuner.train(store, plans, 0, SLOTS, Console(quiet=True)) == []
    expected = [[plan.key for plan in plans[n : n + 2]] for n in (0, 2, 4)]
    assert experiments == expected[: 1 if interrupted else None]
