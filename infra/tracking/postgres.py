"""A PostgreSQL server of one's own, from Debian's programs: no TCP port, a socket in its own folder, a password."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

USER = "mlflow"
DATABASE = "mlflow"
SERVER_ACCOUNT = "postgres"
"""PostgreSQL refuses to run as root; then it runs as Debian's account."""
SOCKET_PATH_LIMIT = 107
_MARKS = " %?#&+'\"\\"


class PostgresError(RuntimeError):
    """PostgreSQL is not there or did not start; the message says the remedy."""


@contextmanager
def serve(directory: Path) -> Iterator[tuple[str, Path]]:
    """Run PostgreSQL on `directory`, which is made when it is not there, until the block is left.

    Yields its SQLAlchemy URI, without a password, and the file that has it, for PGPASSFILE.

    Raises:
        PostgresError: a program is missing, the path is too long, or it did not start.
    """
    programs = _programs()
    data, socket, password = directory / "data", directory / "socket", directory / "pgpass"
    marks = sorted({mark for mark in str(directory) if mark in _MARKS})
    if marks:
        raise PostgresError(f"the path of PostgreSQL's folder must have none of {_MARKS!r}, for it becomes part of a URI and of "
                            f"its options, got {str(directory)!r}; choose another --directory")  # fmt: skip
    if len(str(socket / ".s.PGSQL.5432")) > SOCKET_PATH_LIMIT:
        raise PostgresError(f"the path of PostgreSQL's folder must be shorter, for sockets' names are at most "
                            f"{SOCKET_PATH_LIMIT} characters, got {directory}; choose another --directory")  # fmt: skip
    if not data.exists():
        _create(programs, directory, data, socket, password)
    options = f"-c listen_addresses= -c unix_socket_directories={socket} -c unix_socket_permissions=0700"
    control = [str(programs / "pg_ctl"), "--pgdata", str(data), "--silent"]
    _run([*control, "--wait", "--log", str(data / "server.log"), "--options", options, "start"], directory)
    try:
        _create_database(programs, socket, password)
        yield f"postgresql+psycopg2://{USER}@/{DATABASE}?host={socket}", password
    finally:
        _run([*control, "--wait", "--mode", "fast", "stop"], directory)


def _create(programs: Path, directory: Path, data: Path, socket: Path, password: Path) -> None:
    secret = secrets.token_urlsafe(24)
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o711 if os.geteuid() == 0 else 0o700)  # root's server account passes through
    initial = directory / "initial"
    for path, content in ((initial, secret), (password, f"*:*:*:{USER}:{secret}\n")):
        path.touch(mode=0o600)
        path.write_text(content)
    for folder in (data, socket):
        folder.mkdir(exist_ok=True, mode=0o700)
    if os.geteuid() == 0:
        account = pwd.getpwnam(SERVER_ACCOUNT)
        for path in (data, socket, initial):
            os.chown(path, account.pw_uid, account.pw_gid)
    try:
        _run([str(programs / "initdb"), "--pgdata", str(data), "--username", USER, "--auth", "scram-sha-256",
              "--pwfile", str(initial), "--encoding", "UTF8", "--locale", "C.UTF-8"], directory)  # fmt: skip
    except PostgresError:
        shutil.rmtree(data)
        raise
    finally:
        initial.unlink()


def _create_database(programs: Path, socket: Path, password: Path) -> None:
    psql = [
        str(programs / "psql"),
        "--host",
        str(socket),
        "--username",
        USER,
        "--no-psqlrc",
        "--quiet",
        "--tuples-only",
    ]
    environment = {**os.environ, "PGPASSFILE": str(password)}
    names = subprocess.run([*psql, "--dbname", "postgres", "--command", "SELECT datname FROM pg_database"],
                           env=environment, check=True, capture_output=True, text=True).stdout.split()  # fmt: skip
    if DATABASE not in names:
        subprocess.run([*psql, "--dbname", "postgres", "--command", f"CREATE DATABASE {DATABASE}"],
                       env=environment, check=True, capture_output=True)  # fmt: skip


def _programs() -> Path:
    """The folder of PostgreSQL's server programs; Debian keeps them out of PATH, one folder for each version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    if initdb:
        return Path(initdb).resolve().parent
    raise PostgresError("PostgreSQL must be installed (Debian: apt-get install postgresql), but there is no "
                        "initdb; or give --database the URI of another server")  # fmt: skip


def _run(command: Sequence[str], directory: Path) -> None:
    as_account = ["runuser", "-u", SERVER_ACCOUNT, "--"] if os.geteuid() == 0 else []
    log = directory / "postgres.log"
    with log.open("ab") as output:  # no pipe: the server would inherit it and keep it open
        done = subprocess.run(
            [*as_account, *command], stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd="/", check=False
        )  # fmt: skip
    if done.returncode != 0:
        raise PostgresError(
            f"PostgreSQL's {Path(command[0]).name} failed with exit code {done.returncode}; see {log}"
        )
