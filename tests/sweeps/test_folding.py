"""Folding: few files in place of many, and each row in exactly one file that counts wherever it is interrupted."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

import result_folded
from result_manifest import SchemaError
from result_reading import one_row_per_run, read_curves, read_runs, read_samples
from sweeps.store import compact, folding, lease
from sweeps.store.compact import Options
from sweeps.store.folding import fold
from sweeps.store.lease import Fenced, Token
from sweeps.store.store import Store
from sweeps.toy_robustness import STUDY
from tests.sweeps.test_store import ORIGIN, of

RUNS = STUDY.runs(STUDY.preset("smoke"))[:8]
MORE = [run for run in STUDY.runs(STUDY.preset("smoke", seeds=2)) if run not in RUNS][:4]
FOLDERS = ("runs", "curves", "samples")
COHORTS = 4


class KilledError(BaseException):
    """The process ends here."""


class Process:
    """Counts what a process changes in its storage, and ends it before the `last` of its steps is done."""

    def __init__(self, last: int) -> None:
        self.last, self.steps = last, 0

    def step(self) -> None:
        self.steps += 1
        if self.steps > self.last:
            raise KilledError


class Disk(pafs.LocalFileSystem):
    """A local disk on which deletions are steps; writes are where a file gets its name."""

    process: Process

    def delete_file(self, path: str) -> None:
        self.process.step()
        super().delete_file(path)


class Bucket(pafs.FSSpecHandler):
    """An object store: a file is there once it is closed, and has no other name before."""

    def __init__(self, process: Process) -> None:
        self.process, self.files = process, pafs.LocalFileSystem()
        super().__init__(self)

    def get_file_info(self, paths: list[str]) -> list[pafs.FileInfo]:
        infos: list[pafs.FileInfo] = self.files.get_file_info(paths)
        return infos

    def get_file_info_selector(self, selector: pafs.FileSelector) -> list[pafs.FileInfo]:
        infos: list[pafs.FileInfo] = self.files.get_file_info(selector)
        return infos

    def open_input_file(self, path: str) -> pa.NativeFile:
        return self.files.open_input_file(path)

    def open_input_stream(self, path: str) -> pa.NativeFile:
        return self.files.open_input_stream(path)

    def delete_file(self, path: str) -> None:
        self.process.step()
        self.files.delete_file(path)

    def open_output_stream(self, path: str, metadata: Any) -> pa.NativeFile:
        process = self.process

        class Object(io.BytesIO):
            def close(self) -> None:
                if not self.closed:
                    process.step()
                    Path(path).write_bytes(self.getvalue())
                super().close()

        return pa.PythonFile(Object(), mode="w")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 8 runs in 4 cohorts; one run FAILED before, and one was trained twice."""
    folder = tmp_path_factory.mktemp("trained") / STUDY.name
    store = Store(str(folder))
    store.create(STUDY.name, STUDY.question)
    store.write_failed(RUNS[:1], "lost", "killed", **ORIGIN)
    size = len(RUNS) // COHORTS
    for n in range(COHORTS):
        store.write([of(run) for run in RUNS[size * n : size * (n + 1)]], f"cohort{n}", **ORIGIN)
    later = datetime.now(UTC) + timedelta(days=1)
    store.write([of(RUNS[-1])], "again", **ORIGIN, finished_at=later)
    return folder


@pytest.fixture
def store(trained: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(trained, tmp_path / STUDY.name)
    store = Store(str(tmp_path / STUDY.name))
    with lease.take(store.filesystem, store.path) as store.token:
        yield store


def tables(where: str) -> list[pa.Table]:
    return [read_runs(where), read_curves(where), read_samples(where)]


def by_an_older_version(where: Path) -> pa.Table:
    """The runs as read by one that knows no folded files: all rows of all files, of which one counts for each run."""
    return one_row_per_run(
        pa.concat_tables(pq.read_table(path) for path in sorted(where.glob("runs/*.parquet")))
    )


def counted(where: Path, name: str) -> int:
    """Rows of the files that count."""
    disk = pafs.LocalFileSystem()
    files = result_folded.counting(disk, result_folded.tables_of(disk, str(where / name)))
    return sum(pq.read_metadata(info.path).num_rows for info in files)


def files(where: Path) -> dict[str, int]:
    return {name: len(list((where / name).glob("*.parquet"))) for name in FOLDERS}


def on_a_disk(store: Store, process: Process, patch: pytest.MonkeyPatch) -> None:
    named = Path.replace

    def replace(self: Path, target: Any) -> Path:
        if "/lease/" not in str(target):
            process.step()
        return named(self, target)

    patch.setattr(Path, "replace", replace)
    store.filesystem = Disk()
    store.filesystem.process = process


def in_a_bucket(store: Store, process: Process, patch: pytest.MonkeyPatch) -> None:
    store.filesystem = pafs.PyFileSystem(Bucket(process))


def test_rows_are_as_before_in_one_file_of_a_kind(store: Store) -> None:
    where = Path(store.uri)
    before = tables(store.uri)
    assert files(where) == {"runs": 6, "curves": 5, "samples": 5}
    folded = fold(store)
    assert {one.name: (one.before, one.now) for one in folded} == {
        "runs": (6, 1),
        "curves": (5, 1),
        "samples": (5, 1),
    }
    assert files(where) == dict.fromkeys(FOLDERS, 1)
    assert all(map(pa.Table.equals, tables(store.uri), before))
    assert [len(table) for table in before] == [len(RUNS)] * 3
    assert by_an_older_version(where).equals(before[0])
    assert store.finished() == {run.key for run in RUNS}


@pytest.mark.parametrize("storage", [on_a_disk, in_a_bucket])
def test_each_row_is_in_one_file_that_counts_wherever_folding_is_killed(
    trained: Path, tmp_path: Path, storage: Callable[[Store, Process, pytest.MonkeyPatch], None]
) -> None:
    before = tables(str(trained))
    for last in range(100):
        where = tmp_path / str(last) / STUDY.name
        shutil.copytree(trained, where)
        store, process = Store(str(where)), Process(last)
        store.token = lease.take(pafs.LocalFileSystem(), store.path)
        whole = {name: counted(where, name) for name in FOLDERS}
        with pytest.MonkeyPatch.context() as patch, contextlib.suppress(KilledError):
            storage(store, process, patch)
            fold(store)
        assert all(map(pa.Table.equals, tables(store.uri), before)), last
        assert by_an_older_version(where).equals(before[0])
        single = dict.fromkeys(FOLDERS, len(RUNS))
        assert all(counted(where, name) in (whole[name], single[name]) for name in FOLDERS)
        again = Store(store.uri)
        again.token = store.token
        fold(again)
        assert files(where) == dict.fromkeys(FOLDERS, 1)
        assert all(map(pa.Table.equals, tables(store.uri), before)), last
        if process.steps <= last:  # it came to its end
            break
    assert last > 10 if storage is in_a_bucket else last > 3  # threads of a disk delete side by side


def test_full_files_are_let_be_and_further_ones_are_folded(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "BYTES", 1)
    fold(store)
    full = {path.name for path in Path(store.uri).glob("runs/*")}
    assert len(full) == 6  # each file is full by itself, and none is written anew
    monkeypatch.undo()
    fold(store)
    monkeypatch.setattr(folding, "BYTES", 5_000)
    for n, run in enumerate(MORE):
        store.write([of(run)], f"more{n}", **ORIGIN)
    before = tables(store.uri)
    fold(store)
    assert all(map(pa.Table.equals, tables(store.uri), before))
    assert files(Path(store.uri))["runs"] < 5


def test_few_files_are_let_be_at_a_study_s_end(store: Store) -> None:
    assert [one.now for one in fold(store, folding.LET_BE)] == [5, 5, 6]


def test_a_file_of_a_replaced_one_s_name_counts_if_it_is_another(store: Store) -> None:
    kept = {path.name: path.read_bytes() for path in Path(store.uri).glob("runs/*.parquet")}
    fold(store)
    (Path(store.uri) / "runs/cohort1.parquet").write_bytes(kept["cohort1.parquet"])
    assert counted(Path(store.uri), "runs") == len(RUNS)
    store.write(list(map(of, MORE)), "cohort1", **ORIGIN)
    assert len(read_runs(store.uri)) == len(RUNS) + len(MORE)


def test_a_listing_without_a_file_that_was_folded_meanwhile_is_taken_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, true = read_runs(store.uri), result_folded.tables_of
    listed = result_folded.tables_of(store.filesystem, f"{store.path}/runs")
    fold(store)
    torn = [
        listed[:2],
        [],
    ]  # two files that are gone by now; then a listing that shows neither old nor new ones
    monkeypatch.setattr(result_folded, "PAUSE", 0.0)
    monkeypatch.setattr(result_folded, "tables_of", lambda *where: torn.pop(0) if torn else true(*where))
    assert read_runs(store.uri).equals(before)
    torn[:] = [[]]
    assert read_runs(store.uri).equals(before)


def test_a_driver_that_lost_its_lease_folds_nothing(store: Store) -> None:
    there = files(Path(store.uri))
    older = Store(store.uri)
    older.token = Token(store.filesystem, store.path, "00000000")
    with pytest.raises(Fenced):
        fold(older)
    assert files(Path(store.uri)) == there


def test_a_file_that_is_read_otherwise_than_written_replaces_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = files(Path(store.uri))["samples"]

    def cut(filesystem: pafs.FileSystem, target: str, content: pa.Buffer) -> None:
        Path(target).write_bytes(content.to_pybytes()[:-1] + b"?")

    monkeypatch.setattr(folding, "write", cut)
    with pytest.raises(OSError, match="is read otherwise; its storage loses data"):
        fold(store)
    assert files(Path(store.uri))["samples"] >= there


def test_a_damaged_folded_file_is_named(store: Store) -> None:
    fold(store)
    (one,) = Path(store.uri).glob("runs/folded-*.parquet")
    store.write([of(MORE[0])], "more", **ORIGIN)
    one.write_bytes(b"?")
    with pytest.raises(SchemaError, match=r"runs/folded-.*must be a table of runs, but it is damaged"):
        read_runs(store.uri)
    with pytest.raises(SchemaError, match=f"{one.name} must be a table of runs, but it is damaged"):
        fold(store)


def test_the_command_folds_and_is_refused_while_somebody_trains(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        compact.main(Options(store.uri))
    assert ended.value.code == 2
    assert "must be free, but is held by process" in capsys.readouterr().err
    assert isinstance(store.token, lease.Lease)
    store.token.release()
    assert compact.main(Options(store.uri)) == 0
    assert "runs      6 files, now 1" in capsys.readouterr().out
    assert compact.main(Options(store.uri)) == 0
    with pytest.raises(SystemExit):
        compact.main(Options(f"{store.uri}/runs"))
    assert "has no study.json" in capsys.readouterr().err
