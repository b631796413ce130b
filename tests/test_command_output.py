"""A command goes on where its output is lost, and prints what it can where characters are missing."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("sweeps", "analysis", "infra")
COMMANDS = [
    path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if '\nif __name__ == "__main__":' in path.read_text()
    and "from sweeps.cli import main" not in path.read_text()
    and path.name != "environment.py"  # runs before anything is installed
]
SAYS = "warning: the output is lost ({}); the command goes on\n"
WORDS = "import command_output; command_output.lasting(); "
LINES = "\nfor n in range(10_000): print('λ', n)\nopen('done', 'w').close()"
RICH = "\nfrom rich.console import Console\nfor n in range(1_000): Console().print('λ', n)\nopen('done', 'w').close()"


def command(code: str, where: Path, **files: int) -> tuple[int, str]:
    """Exit code and errors of Python code."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", code], cwd=where, env=environment, stderr=subprocess.PIPE, text=True, **files)  # fmt: skip
    errors = process.communicate()[1]
    return process.returncode, errors


@pytest.mark.parametrize("code", [LINES, RICH], ids=["print", "rich"])
def test_command_goes_on_when_nobody_reads_its_output(code: str, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    assert command(WORDS + code, tmp_path, stdout=writing) == (0, SAYS.format("Broken pipe"))
    os.close(writing)
    assert (tmp_path / "done").exists()


def test_command_goes_on_when_the_disk_of_its_output_is_full(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        result = command(WORDS + LINES, tmp_path, stdout=full.fileno())
    assert result == (0, SAYS.format("No space left on device"))
    assert (tmp_path / "done").exists()


def test_command_waits_for_a_slow_reader_of_a_pipe_that_does_not_block(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    code = WORDS + "print('x' * 200_000)"
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=writing)  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert len(pipe.read()) == 200_001
    assert process.wait() == 0


def test_characters_that_the_output_cannot_show_are_replaced() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    code = WORDS + "print('λ = 0.1')"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "? = 0.1\n", "")


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_prints_so(path: Path) -> None:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert "command_output.lasting" in map(ast.unparse, calls)
