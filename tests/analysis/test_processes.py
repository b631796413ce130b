"""Tasks done in processes beside this one: in their order, with their errors, and a report that does not depend on them."""

from __future__ import annotations

import multiprocessing
import os
import signal
from functools import partial

import numpy as np
import pytest

from analysis import contents
from analysis.document.blocks import Text
from analysis.fragility import results
from analysis.sections.base import Section
from analysis.statistics.processes import LostError, at_most, attempted, available, done

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="no copies of processes"
)

FAILURE = contents.failure


def squared(values: np.ndarray, place: int) -> tuple[float, int]:
    return float(values[place]) ** 2, os.getpid()


def failing(words: str) -> float:
    raise ValueError(words)


def killed() -> float:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0.0


def nested() -> bool:
    return done([os.getpid, os.getpid]) == [os.getpid()] * 2


def test_results_come_in_the_order_of_their_tasks_from_several_processes() -> None:
    values = np.arange(7.0)
    tasks = [partial(squared, values, place) for place in range(7)]
    alone = done(tasks)
    with at_most(3):
        beside = done(tasks)
    assert [value for value, _ in beside] == [value for value, _ in alone] == (values**2).tolist()
    assert {process for _, process in alone} == {os.getpid()}
    assert len({process for _, process in beside} - {os.getpid()}) == 3


def test_an_error_is_that_of_its_task_and_a_process_that_is_killed_loses_no_other() -> None:
    tasks = [partial(float, 1), partial(failing, "no such thing"), killed, partial(float, 2)]
    with at_most(2):
        first, error, lost, last = attempted(tasks)
        with pytest.raises(ValueError, match="no such thing"):
            done(tasks)
    assert (first, last) == (1.0, 2.0)
    assert isinstance(error, ValueError)
    assert isinstance(lost, LostError)


def test_a_process_beside_has_none_beside_it() -> None:
    with at_most(2):
        assert done([nested, nested]) == [True, True]


def test_available_cores_are_those_that_this_process_may_use() -> None:
    assert 1 <= available() <= (os.cpu_count() or 1)


def some(study, run):
    """Rows of two systems on twelve configurations at two λ."""
    return study([
        run(name, c, lam, mse_x=0.1 + 0.01 * ((7 * c) % 11), inception_score=3 + 0.1 * ((3 * c) % 7))
        for name in ("svae_r", "alice") for lam in (0.1, 1.0) for c in range(12)
    ])  # fmt: skip


def test_fragility_is_the_same_in_processes(study, run) -> None:
    alone = results.compute(some(study, run))
    with at_most(3):
        beside = results.compute(some(study, run))
    assert len(alone.measured) > 2
    for one, other in zip(alone.measured, beside.measured, strict=True):
        assert repr((one.closeness, one.lams, one.best, one.found.own, one.found.contrasts)) == repr(
            (other.closeness, other.lams, other.best, other.found.own, other.found.contrasts)
        )
        assert all((one.found.profile[name] == other.found.profile[name]).all() for name in one.lams)


def test_a_report_is_the_same_to_the_byte_in_processes(study, run, monkeypatch) -> None:
    sections = [one for one in contents.found() if one.name in ("summary", "verdicts", "effects")]
    monkeypatch.setattr(contents, "found", lambda _: sections)  # the figures of all take long
    alone, beside = (contents.build(some(study, run), processes) for processes in (1, 3))
    assert alone.failures == []
    assert {"report.html", "summary.md", "effects.png", "effects.svg"} <= alone.files.keys()
    assert beside == alone


def test_a_section_whose_process_is_killed_is_told_and_loses_no_other(study, run, monkeypatch) -> None:
    class Killed(Section):
        name, order, title = "killed", 10, "Killed"

        def blocks(self, report):
            yield Text(str(killed()))

    sections = [Killed(), *(one for one in contents.found() if one.name == "verdicts")]
    monkeypatch.setattr(contents, "found", lambda _: sections)
    monkeypatch.setattr(contents, "failure", FAILURE)
    built = contents.build(some(study, run), 2)
    (line,) = built.failures
    assert line.startswith(
        f"The section killed ({__name__}:Killed) could not be made: LostError: its process"
    )
    assert b"One family of" in built.files["summary.md"]
