"""Creates the project's virtual environment: uv installs what constraints.txt pins, under pip's own settings.

    python infra/environment.py .venv          what running a study needs
    python infra/environment.py .venv dev      and what checking, testing and building needs

uv resolves and unpacks in parallel, where pip keeps one core busy for minutes. It reads none of pip's settings, so the
ones that say where packages come from are handed on: index, further indexes, links, constraints, proxy and certificate, of the
environment (`PIP_FIND_LINKS`, …) and of pip's files. Where uv cannot be had, pip installs the same.

This file runs before anything is installed: it needs the standard library alone.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "constraints.txt"

FLAGS = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "constraint": "--constraint",
    "trusted-host": "--allow-insecure-host",
}
"""pip's setting -> uv's option. Each may have several values, split by white space."""

VARIABLES = {"cert": "SSL_CERT_FILE", "proxy": "ALL_PROXY", "default-timeout": "UV_HTTP_TIMEOUT"}
"""pip's setting -> environment variable that uv reads."""


def settings(listed: str) -> dict[str, str]:
    """Values in force of what `pip config list` prints: of the environment, else of `install`, else of all commands."""
    values: dict[str, tuple[int, str]] = {}
    for line in listed.splitlines():
        name, separator, value = line.partition("=")
        section, _, key = name.partition(".")
        if not separator or section not in (ranks := ("global", "install", ":env:")):
            continue
        rank = ranks.index(section)
        if rank >= values.get(key, (-1, ""))[0]:
            values[key] = rank, str(ast.literal_eval(value))
    return {key: value for key, (_, value) in values.items()}


def arguments(pip: Mapping[str, str]) -> list[str]:
    """uv's options for pip's settings."""
    options = [
        option
        for key, flag in FLAGS.items()
        for value in pip.get(key, "").split()
        for option in (flag, value)
    ]
    if pip.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        options.append("--no-index")
    # pip takes the best version of all indexes; uv would stop at the first index that has the package.
    return [*options, "--index-strategy", "unsafe-best-match"]


def variables(pip: Mapping[str, str]) -> dict[str, str]:
    """Environment of uv: this one, and what pip's settings say that uv has no option for."""
    handed_on = {variable: pip[key] for key, variable in VARIABLES.items() if pip.get(key)}
    return {**handed_on, **os.environ}


def install(environment: Path, extras: Sequence[str]) -> None:
    """Creates the environment if it is not there and installs the checkout, editable, with these extras.

    Raises:
        subprocess.CalledProcessError: the installer failed; it has said why.
    """
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    pip = [str(python), "-m", "pip"]
    target = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    pinned = ["--constraint", str(CONSTRAINTS)]
    uv = environment / "bin" / "uv"
    if not uv.exists():
        subprocess.run([*pip, "install", "--quiet", *pinned, "uv"], check=False, stderr=subprocess.DEVNULL)
    if not uv.exists():
        print("setup: uv cannot be had here, pip installs instead: minutes", flush=True)
        subprocess.run([*pip, "install", "--quiet", *pinned, "--editable", target], check=True)
        return
    listed = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False).stdout
    own = settings(listed)
    # Compiled here, once and on all cores: else each process compiles what it imports, where none may write it down for ever.
    command = [str(uv), "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    subprocess.run([*command, *arguments(own), *pinned, "--editable", target], env=variables(own), check=True)


def main(directory: str, *extras: str) -> int:
    """Run the command; returns its exit code."""
    what = "what a study needs" if not extras else f"what {' and '.join(extras)} adds"
    print(
        f"setup: installing {what} into {directory}; about a minute, more where torch is downloaded",
        flush=True,
    )
    try:
        install(Path(directory), extras)
    except subprocess.CalledProcessError as error:
        print(f"error: installing failed (exit code {error.returncode}); see above, then give the same command again",
              file=sys.stderr)  # fmt: skip
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
