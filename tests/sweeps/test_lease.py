"""The lease: one holder at a time, taken over when it ends or its owner died, and the last one fenced off."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pyarrow.fs as pafs
import pytest

from result_files import open_directory
from sweeps.store import lease
from sweeps.store.lease import Fenced, Lease, LeaseHeld, Token, held, take
from sweeps.store.process import this_process
from tests.infra.conftest import bucket

__all__ = ["bucket"]
LOCAL = pafs.LocalFileSystem()


@pytest.fixture(params=["local", "object store", pytest.param("bucket", marks=pytest.mark.cluster)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[pafs.FileSystem, str]:
    """A filesystem and a path: the disk, what is no local filesystem and so is used as an object store, and a bucket."""
    if request.param == "bucket":
        return open_directory(f"s3://{request.getfixturevalue('bucket')}/study")
    if request.param == "local":
        return LOCAL, str(tmp_path)
    return pafs.SubTreeFileSystem(str(tmp_path), LOCAL), "study"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Owners are of another machine, of which nothing is known."""
    other = replace(this_process(), host="cluster-head", kernel="another boot")
    monkeypatch.setattr(lease, "this_process", lambda: other)


def files(place: tuple[pafs.FileSystem, str]) -> list[str]:
    return sorted(f.base_name for f in place[0].get_file_info(pafs.FileSelector(f"{place[1]}/lease")))


def test_lease_is_refused_while_it_is_held_and_free_when_it_is_released(
    place: tuple[pafs.FileSystem, str],
) -> None:
    with take(*place) as first:
        assert not first.check()
        with pytest.raises(
            LeaseHeld, match=rf"held by process {os.getpid()} on .*, whose lease lasts until"
        ) as error:
            take(*place)
        assert "\n" not in str(error.value)
    assert held(*place)[0] == ""
    with take(*place) as second:
        assert second.number == 2
        assert len(files(place)) == 1
        with pytest.raises(Fenced, match="another driver has taken it"):
            first.check()


@pytest.mark.parametrize(("owner", "name"), [(Lease, "sweep"), (threading.Thread, "start")])
def test_lease_whose_taking_is_interrupted_is_free_in_a_process_that_lives_on(
    owner: type, name: str, place: tuple[pafs.FileSystem, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, interrupted)
        with pytest.raises(KeyboardInterrupt), take(*place):
            pass
    assert held(*place)[0] == ""


def test_what_a_process_took_and_lost_sight_of_is_given_back(place: tuple[pafs.FileSystem, str]) -> None:
    take(*place)  # as where an interrupt comes before it is held
    assert held(*place)[0]
    lease.release_all("elsewhere")
    assert held(*place)[0]
    lease.release_all(place[1])
    assert not held(*place)[0]
    with take(*place):
        lease.release_all("elsewhere")
        assert held(*place)[0]


def test_lease_of_a_machine_that_is_gone_ends_when_it_is_not_renewed(
    place: tuple[pafs.FileSystem, str], elsewhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = take(*place)  # not entered: never renewed
    with pytest.raises(LeaseHeld, match="on cluster-head"):
        take(*place)
    end_of_first = lease.datetime.now(UTC) + timedelta(seconds=lease.SECONDS)

    class AfterIt(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=lease.SECONDS)

    monkeypatch.setattr(lease, "datetime", AfterIt)
    monkeypatch.setattr(lease, "RENEWALS", 1000)
    with take(*place) as second:

        def ends() -> datetime:
            record = lease._record(place[0], second._file("json"))
            assert record is not None
            return record["expires_at"]

        at_first = ends()
        assert at_first > end_of_first
        while ends() == at_first:  # until it is renewed
            time.sleep(0.01)
        with pytest.raises(Fenced):
            first.check()


def test_lease_of_a_dead_process_of_this_machine_is_free_at_once(tmp_path: Path) -> None:
    code = (
        "import sys, time; import pyarrow.fs as f; from sweeps.store.lease import take\n"
        "with take(f.LocalFileSystem(), sys.argv[1]): print('held', flush=True); time.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == b"held\n"
        assert f"process {driver.pid} on" in held(LOCAL, str(tmp_path))[0]
        driver.send_signal(signal.SIGSTOP)
        assert held(LOCAL, str(tmp_path))[0]
        driver.kill()
    with take(LOCAL, str(tmp_path)) as second:  # without waiting for its end, which is not near
        assert second.number == 2


def test_owner_is_not_taken_for_a_later_process_of_its_number() -> None:
    own = this_process()
    assert not own.dead
    assert replace(own, started=own.started - 1).dead
    assert not replace(own, started=own.started - 1, kernel="another boot").dead


def test_of_many_who_try_at_once_one_gets_the_lease(place: tuple[pafs.FileSystem, str]) -> None:
    start, taken = threading.Barrier(16), []
    # A stand-in for S3 may hand out half of an object that is replaced meanwhile; who gets an error has no lease.
    refusals = (LeaseHeld, OSError) if isinstance(place[0], pafs.S3FileSystem) else (LeaseHeld,)

    def try_it() -> None:
        start.wait()
        with contextlib.suppress(*refusals):
            taken.append(take(*place))

    threads = [threading.Thread(target=try_it) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    assert not taken[0].check()


def test_trials_learn_from_the_token_that_they_are_to_end(place: tuple[pafs.FileSystem, str]) -> None:
    with take(*place) as first:
        token = Token(*place, first.name)
        assert not token.check()
        first.stop()
        assert token.check()
        assert first.stopping.is_set()
    with take(*place) as second:
        assert not Token(*place, second.name).check()


def test_the_end_of_no_lease_is_not_that_of_the_next(place: tuple[pafs.FileSystem, str]) -> None:
    place[0].create_dir(f"{place[1]}/lease", recursive=True)
    with place[0].open_output_stream(f"{place[1]}/lease/00000001.stop") as stream:
        stream.write(b"")  # of a folder that was copied or mended by hand
    with take(*place) as first:
        assert not first.check()
        assert len(files(place)) == 1


def test_holder_that_was_replaced_learns_it_and_does_not_take_it_back(
    tmp_path: Path, elsewhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "SECONDS", 0.4)
    with take(LOCAL, str(tmp_path)) as first:
        later = Lease(LOCAL, str(tmp_path), "00000002", 60.0)
        assert later.claim()
        assert first.stopping.wait(300.0)
    holder, _ = held(LOCAL, str(tmp_path))
    assert "lasts until" in holder  # the first one did not release what is the second one's


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"owner": 1}'])
def test_a_damaged_lease_counts_as_long_as_a_whole_one_would(content: bytes, tmp_path: Path) -> None:
    with take(LOCAL, str(tmp_path)):
        pass
    file = tmp_path / "lease" / "00000001.json"
    file.write_bytes(content)
    with pytest.raises(LeaseHeld, match="an unknown machine"):
        take(LOCAL, str(tmp_path))
    long_ago = (datetime.now(UTC) - timedelta(seconds=61)).timestamp()
    os.utime(file, (long_ago, long_ago))
    with take(LOCAL, str(tmp_path)) as second:
        assert second.number == 2


def test_lease_says_in_its_file_whose_it_is(tmp_path: Path) -> None:
    with take(LOCAL, str(tmp_path)):
        record = json.loads((tmp_path / "lease" / "00000001.json").read_text())
    assert record["owner"]["pid"] == os.getpid()
    assert record["released"] is False
