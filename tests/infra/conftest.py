"""Wheel, free ports, a bucket, and an ssh server of the tests' own on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.infra.installed import build_wheel, environment, outside_environment


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def started(
    command: list[str], log: Path, environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A process of its own session, whose output goes to a file."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = 600.0) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"nothing listens on port {port} after {seconds:g} s, or it ended: {process.poll()}")


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Name of an empty bucket of a stand-in for S3; the environment of this process and its children says where it is."""
    import boto3

    port = free_port()
    process = started(
        [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)], tmp_path / "s3.log"
    )
    for name, value in {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "mine",
                        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    try:
        wait_for_port(port, process)
        boto3.client("s3").create_bucket(Bucket="results-of-mine")
        yield "results-of-mine"
    finally:
        process.terminate()
        process.wait()


@dataclass(frozen=True)
class Machine:
    """A machine with a home of its own, reached by ssh: this one, under another home and port.

    Attributes:
        home: its home directory.
        temporary: where our Ray on it keeps its files; short, for sockets' names are.
        port: of its ssh server.
        key: the private key that it accepts.
    """

    home: Path
    temporary: Path
    port: int
    key: Path


@pytest.fixture
def machine(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    server, keygen = shutil.which("sshd", path="/usr/sbin:/usr/bin"), shutil.which("ssh-keygen")
    if not (server and keygen and shutil.which("rsync")):
        pytest.fail("this test needs sshd, ssh-keygen and rsync; `make test-cluster` installs them")
    home = tmp_path / "node"
    temporary = Path("/tmp") / f"gr{os.getpid()}"
    home.mkdir()
    temporary.mkdir(mode=0o700)
    environment(home / "generative-robustness" / "venv")
    for name in ("host", "user"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    configuration = tmp_path / "sshd_config"
    port = free_port()
    settings = [
        f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {tmp_path}/host", f"AuthorizedKeysFile {tmp_path}/user.pub",
        "PidFile none", "StrictModes no", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "UsePAM no",
        f"SetEnv HOME={home} GENERATIVE_ROBUSTNESS_TMPDIR={temporary}",
    ]  # fmt: skip
    configuration.write_text("\n".join(settings) + "\n")
    process = started([server, "-D", "-e", "-f", str(configuration)], tmp_path / "sshd.log")
    try:
        wait_for_port(port, process)
        yield Machine(home, temporary, port, tmp_path / "user")
    finally:
        process.terminate()
        process.wait()
        python = home / "generative-robustness" / "venv" / "bin" / "python"
        stop = [str(python), "-m", "infra.node", "stop"]
        subprocess.run(
            stop, env={**outside_environment(), "RAY_TMPDIR": str(temporary)}, check=False, cwd=home
        )
        shutil.rmtree(temporary, ignore_errors=True)
