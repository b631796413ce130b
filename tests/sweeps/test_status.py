"""State of a study, from made rows, progress and leases."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pytest

import result_progress
from result_files import open_directory
from result_manifest import SchemaError
from result_progress import Progress
from result_reading import read_runs
from sweeps.status import reading, stored_rows
from sweeps.status.__main__ import Options, main
from sweeps.status.reading import State
from sweeps.status.stored_rows import StoredRows
from sweeps.store import lease
from sweeps.store.folding import fold
from sweeps.store.store import Store
from tests.sweeps.small_study import MANIFEST_OF_STUDY, SmallStudy, row

NOW = datetime.now(UTC)
AT_WORK = Progress(
    total=8, already=2, done=3, unit="runs", may_end=False, budgets=(300,), diverged=1, running=4, slots=3, slots_in_use=2,
    device="cpu", seconds_left=90.0, error="", lease=0, started_at=NOW - timedelta(seconds=100),
    written_at=NOW - timedelta(seconds=5),
)  # fmt: skip


@pytest.fixture
def watched(tmp_path: Path) -> SmallStudy:
    """Two runs of an earlier call; three results and a failure since this one began, 100 s ago."""
    study = SmallStudy(tmp_path / "results" / "toy_robustness")
    study.add([row("a"), row("b")])
    new = {"finished_at": NOW - timedelta(seconds=10)}
    study.add([row("c", **new), row("d", "DIVERGED", **new), row("e", **new), row("f", "FAILED", **new)])
    return study


def say(study: SmallStudy, progress: Progress) -> None:
    result_progress.keep(*open_directory(study.uri), progress)


def test_a_study_in_training_says_what_is_done_trains_and_remains(
    watched: SmallStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    with lease.take(*open_directory(watched.uri)) as held:
        say(watched, replace(AT_WORK, lease=held.number))
        status = reading.read(watched.uri, NOW)
        assert status.state is State.TRAINING
        assert status.done == 5  # 2 before, and 3 results since by the rows, of which the driver has told one
        assert status.rate == pytest.approx(3 / 100)
        assert status.seconds_left == 85  # 90 s, 5 s ago
        assert main(Options(watched.uri)) == 0
        page = capsys.readouterr().out
        assert main(Options(watched.uri, json=True)) == 0
        plain = json.loads(capsys.readouterr().out)
    assert "done      5 of 8 runs (62.5%)" in page
    assert "4 runs on 2 of 3 slots (cpu)" in page
    assert "stored    6 runs: 4 COMPLETED, 1 DIVERGED, 1 FAILED" in page
    assert "error     RuntimeError: no (svae_r, run f" in page
    assert (plain["state"], plain["slots_in_use"], plain["done"], plain["total"]) == ("TRAINING", 2, 5, 8)


def test_a_driver_at_work_has_begun_trains_or_concludes(watched: SmallStudy) -> None:
    assert reading.read(watched.uri).state is State.STORED  # of before there was progress
    say(watched, replace(AT_WORK, ended=True))
    assert reading.read(watched.uri).state is State.UNFINISHED
    with lease.take(*open_directory(watched.uri)) as held:
        assert reading.read(watched.uri).state is State.STARTING  # that progress is of another lease
        say(watched, replace(AT_WORK, lease=held.number))
        assert reading.read(watched.uri).state is State.TRAINING
        say(watched, replace(AT_WORK, lease=held.number, ended=True))
        assert reading.read(watched.uri).state is State.CONCLUDING
    assert reading.read(watched.uri).state is State.UNFINISHED


def test_a_driver_that_ended_without_a_word_is_told_from_one_that_finished(
    watched: SmallStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    say(watched, AT_WORK)  # no lease is held
    assert reading.read(watched.uri).state is State.LOST
    assert main(Options(watched.uri, follow=True)) == 1
    assert "3 runs are not finished" in capsys.readouterr().out
    say(watched, replace(AT_WORK, total=5, ended=True))
    assert main(Options(watched.uri, follow=True)) == 0
    assert capsys.readouterr().out.startswith("toy_robustness: finished")


def test_an_upper_bound_need_not_be_reached_unless_a_cohort_was_lost(watched: SmallStudy) -> None:
    say(watched, replace(AT_WORK, may_end=True, ended=True))
    assert reading.read(watched.uri).state is State.FINISHED
    say(watched, replace(AT_WORK, may_end=True, ended=True, error="RuntimeError: gone"))
    assert reading.read(watched.uri).state is State.UNFINISHED


def test_stages_are_counted_by_their_driver_alone(watched: SmallStudy) -> None:
    say(watched, replace(AT_WORK, unit="rungs", ended=True))
    assert reading.read(watched.uri).done == 3


def test_what_is_no_study_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(Options(str(tmp_path))) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(Options(" ")) == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"total": 3}', "\x00"])
def test_progress_of_another_version_is_none(watched: SmallStudy, text: str) -> None:
    (watched.directory / result_progress.FILE).write_text(text)
    assert result_progress.read(watched.uri) is None
    assert reading.read(watched.uri).state is State.STORED


def test_progress_is_read_as_it_was_written(watched: SmallStudy) -> None:
    say(watched, AT_WORK)
    assert result_progress.read(watched.uri) == AT_WORK
    assert AT_WORK.fresh(NOW)
    assert not AT_WORK.fresh(NOW + timedelta(minutes=2))


def test_a_study_that_is_followed_has_each_file_read_once_and_one_row_a_run(
    watched: SmallStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: Counter[str] = Counter()
    read = stored_rows.read_file

    def counted(filesystem: pafs.FileSystem, info: pafs.FileInfo, *further: Any, **options: Any) -> pa.Table:
        reads[info.base_name] += 1
        return read(filesystem, info, *further, **options)

    monkeypatch.setattr(stored_rows, "read_file", counted)
    rows = StoredRows(watched.uri, MANIFEST_OF_STUDY)
    assert rows.now().num_rows == rows.now().num_rows == 6
    later = {"finished_at": NOW}
    for _ in range(3):  # as retries of a run that failed, and goes on to fail
        watched.add([row("f", "FAILED", error="RuntimeError: again", **later), row("g", "STOPPED")])
        assert rows.now()["run_key"].to_pylist() == list("abcdefg")
    watched.add([row("f", **later), row("g", **later)])
    ended = dict(zip(*(rows.now()[name].to_pylist() for name in ("run_key", "outcome")), strict=True))
    assert (ended["f"], ended["g"], ended["d"]) == ("COMPLETED", "COMPLETED", "DIVERGED")
    assert reads == {f"{n}.parquet": 1 for n in range(6)}
    assert rows.now().equals(read_runs(watched.uri, stored_rows.COLUMNS))


def test_a_study_that_is_followed_while_it_is_folded_or_changed_by_hand_is_read_anew(
    watched: SmallStudy,
) -> None:
    rows = StoredRows(watched.uri, MANIFEST_OF_STUDY)
    before = rows.now()
    store = Store(watched.uri)
    with lease.take(store.filesystem, store.path) as store.token:
        fold(store)
    (folded,) = (watched.directory / "runs").glob("*.parquet")
    assert rows.now().equals(before)
    folded.write_bytes(b"?")
    for _ in range(2):
        with pytest.raises(
            SchemaError, match=r"folded-\w+.parquet must be a table of runs, but it is damaged"
        ):
            rows.now()
    folded.unlink()
    assert rows.now().num_rows == 0
    watched.add([row("a")])
    assert rows.now().num_rows == 1


def test_following_prints_a_line_a_look_and_ends_with_its_driver(
    watched: SmallStudy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = lease.take(*open_directory(watched.uri))
    say(watched, replace(AT_WORK, lease=held.number))

    def later(seconds: float) -> None:
        watched.add([row("g", finished_at=NOW), row("h", finished_at=NOW), row("i", finished_at=NOW)])
        say(watched, replace(AT_WORK, total=8, lease=held.number, ended=True))
        held.release()

    monkeypatch.setattr(time, "sleep", later)
    assert main(Options(watched.uri, follow=True)) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert "training  5 of 8 runs (62.5%)" in first
    assert second == "toy_robustness: finished"
