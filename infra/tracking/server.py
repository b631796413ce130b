"""Run MLflow for a team: PostgreSQL, artifacts in a folder or bucket, users with passwords, known host names only.

    export MLFLOW_AUTH_ADMIN_PASSWORD=…        at least 12 characters; of the user `admin`
    make tracking-server                       PostgreSQL from Debian, on 127.0.0.1:5000
    python -m infra.tracking.server --host 10.0.0.5 --allowed-hosts mlflow.lab:5000 --artifacts s3://bucket/mlflow

A study writes there with MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD set, and --tracking-uri http://HOST:5000.
Passwords are in the environment and in files for their owner alone, never on a command line. Exit code 2 on bad input.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import tyro

import command_output
from infra.tracking.postgres import PostgresError, serve
from sweeps.console.masking import masked
from sweeps.tracking.ui import SERVER_ENVIRONMENT

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHORTEST_PASSWORD = 12
GUESSED = ("password", "mlflow", "admin", "changeme", "change-me", "secret", "123456", "qwerty", "letmein")
STOP_SECONDS = 15.0


@dataclass(frozen=True)
class Options:
    """Run MLflow for a team; Ctrl-C or SIGTERM stops it, and the PostgreSQL it started."""

    directory: Path = Path("tracking")
    """Folder for PostgreSQL's data, secrets and, without --artifacts, the artifacts."""
    database: str | None = None
    """postgresql://… of a server that is there; its password belongs in PGPASSFILE or PGPASSWORD. Default: start one here."""
    artifacts: str | None = None
    """Where artifacts go: a folder or s3://, gs://; default DIRECTORY/artifacts. Clients reach them through the server."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 5000
    """Port to listen on."""
    allowed_hosts: tuple[str, ...] = ()
    """HOST:PORT names by which clients may ask; needed when --host is not loopback."""
    workers: int = 2
    """Processes that answer."""


def password_of(environment: Mapping[str, str]) -> str:
    """The administrator's password.

    Raises:
        ValueError: there is none, or it is one that is tried first.
    """
    password = environment.get("MLFLOW_AUTH_ADMIN_PASSWORD", "")
    remedy = "set it with: export MLFLOW_AUTH_ADMIN_PASSWORD=$(openssl rand -base64 24)"
    if not password:
        raise ValueError(
            f"MLFLOW_AUTH_ADMIN_PASSWORD must be set, for there is no default password; {remedy}"
        )
    if (
        len(password) < SHORTEST_PASSWORD
        or re.sub(r"[\d!.?_-]*$", "", password.lower()) in GUESSED
        or len(set(password)) < 5
    ):
        raise ValueError(f"MLFLOW_AUTH_ADMIN_PASSWORD must have {SHORTEST_PASSWORD} characters or more and be no default "
                         f"or common password; {remedy}")  # fmt: skip
    return password


def allowed(options: Options) -> str:
    """Host names that are answered, for MLflow.

    Raises:
        ValueError: none was given for a server that others can reach, or one is a pattern.
    """
    hosts = options.allowed_hosts
    if not hosts and options.host not in LOOPBACK:
        raise ValueError(f"--allowed-hosts must be given when --host is not loopback, got --host {options.host}; "
                         f"for example --allowed-hosts {options.host}:{options.port}")  # fmt: skip
    for host in hosts:
        if not re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", host):
            raise ValueError(f"--allowed-hosts must be names with a port, no patterns, got {host!r}")
    return ",".join(hosts or (f"127.0.0.1:{options.port}", f"localhost:{options.port}"))


def check_database(uri: str) -> str:
    """The same URI. Raises ValueError where it is not PostgreSQL's, or shows a password in the list of processes."""
    if not re.match(r"postgresql(\+\w+)?://", uri):
        raise ValueError(f"--database must begin with postgresql://, got {uri.split(':', 1)[0]!r}")
    if masked(uri) != uri:
        raise ValueError("--database must not have the password in it, for every user sees command lines; "
                         "put it into a file named by PGPASSFILE")  # fmt: skip
    return uri


def server_environment(directory: Path, database: str, password: str) -> dict[str, str]:
    """The environment of MLflow; writes the file that tells its passwords' database, and a key that lasts."""
    key, settings = directory / "flask-key", directory / "basic_auth.ini"
    for path in (key, settings):
        path.touch(mode=0o600)
    if not key.read_text():
        key.write_text(secrets.token_hex(32))
    lines = ("[mlflow]", "default_permission = READ", f"database_uri = {database}", "admin_username = admin")
    settings.write_text("\n".join(lines) + "\n")
    return {
        **os.environ,
        **SERVER_ENVIRONMENT,
        "MLFLOW_AUTH_CONFIG_PATH": str(settings),
        "MLFLOW_AUTH_ADMIN_PASSWORD": password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": key.read_text(),
    }


def check_artifacts(artifacts: str) -> str:
    """The same folder or URI. Raises ValueError where it shows a password in the list of processes."""
    if masked(artifacts) != artifacts:
        raise ValueError("--artifacts must not have a password in it, for every user sees command lines; put it where its "
                         "storage looks, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")  # fmt: skip
    return artifacts


def command(options: Options, database: str) -> list[str]:
    """What starts MLflow."""
    artifacts = check_artifacts(options.artifacts or str(options.directory.absolute() / "artifacts"))
    return [
        sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--backend-store-uri", database,
        "--artifacts-destination", artifacts, "--host", options.host, "--port", str(options.port),
        "--workers", str(options.workers), "--allowed-hosts", allowed(options), "--x-frame-options", "DENY",
    ]  # fmt: skip


def run(options: Options) -> int:
    """Serve until it is told to stop; returns the exit code.

    Raises:
        ValueError: an option or the password is refused.
        PostgresError: PostgreSQL cannot be started.
    """
    password = password_of(os.environ)
    allowed(options)
    directory = options.directory.absolute()
    with ExitStack() as stack:
        if options.database:
            database = check_database(options.database)
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        else:
            database, passwords = stack.enter_context(serve(directory))
            os.environ["PGPASSFILE"] = str(passwords)
        process = subprocess.Popen(
            command(options, database),
            env=server_environment(directory, database, password),
            cwd=directory,
            start_new_session=True,  # Ctrl-C comes here first, and its workers end with its process group
        )
        try:
            return process.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not leave PostgreSQL running
    raise KeyboardInterrupt


def main(options: Options) -> int:
    """Run the command; returns its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return run(options)
    except (ValueError, PostgresError, OSError) as error:
        print(f"infra.tracking.server: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main(tyro.cli(Options)))
