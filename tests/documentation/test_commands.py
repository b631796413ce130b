"""Every command of the documentation is run by a test, or says that it is not and why; each has options that there are."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from infra.documentation.commands import commands as ours
from infra.documentation.commands import help_of
from tests.documentation import pages, understood
from tests.documentation.pages import PAGES, ROOT, SHELL, Block

BLOCKS = [block for page in PAGES for block in pages.blocks(page)]
COMMANDS = [block for block in BLOCKS if block.kind in SHELL]
PROGRAMS = r"(?:make|python3?|pip|ray|sbatch|kubectl|docker|curl|export) +[\w./-]"
MARKS = (r"$|run with --[a-z]", "not run$", "run by$")
"""Marks of blocks that are run here, that are not, and that are elsewhere."""

RUN = [block for block in BLOCKS if block.kind in (*SHELL, "python") and re.match(MARKS[0], block.mark)]


def name(page: Path) -> str:
    """Path of a page in the checkout."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_mark_of_a_block_is_known_and_says_why(block: Block) -> None:
    assert any(re.match(mark, block.mark) for mark in MARKS)
    assert not block.mark or len(block.why) > 8
    if block.mark == "run by":
        test = ROOT / block.why
        assert test.is_file(), f"{block.why} is not there"
        assert block.page.name in test.read_text(), f"{block.why} does not read {block.page.name}"


@pytest.mark.parametrize("block", COMMANDS, ids=str)
def test_commands_of_a_block_are_understood(block: Block) -> None:
    for line in block.lines:
        for command in pages.commands(line):
            understood.check(command)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_in_running_text_are_understood(page: Path) -> None:
    for span in pages.spans(page):
        if span.startswith(("make ", "python ", "ray submit ", "ray job ", "sbatch ")):
            understood.check(next(pages.commands(span)))


def test_options_in_running_text_are_of_some_command() -> None:
    known = " ".join(help_of(name) for name in ours())
    for page in PAGES:
        for span in pages.spans(page):
            if re.match(r"--[a-z]", span) and not span.startswith("--build-arg"):  # Docker's
                understood.check_names(span.split(), known, f"{page.name}: `{span}`: no command")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_stand_in_blocks_of_commands(page: Path) -> None:
    indented = [line for line in page.read_text().splitlines() if re.match(rf" {{4,}}{PROGRAMS}", line)]
    others = [block for block in pages.blocks(page) if block.kind not in (*SHELL, "python")]
    assert indented == [], "fence them as sh"
    assert [block.text for block in others if not block.kind or re.match(PROGRAMS, block.text)] == [], (
        "a block says its language, sh of commands, text of anything else"
    )


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind == "python"], ids=str)
def test_python_of_a_block_is_python(block: Block) -> None:
    ast.parse(block.text)


def test_a_wrong_command_is_found() -> None:
    for wrong in (
        "make studdy",
        'make study ARGS="--lambda 3"',
        "make report ARGS=--budget",
        "python sweeps/toy_robustnes.py",
        "python sweeps/toy_robustness.py --seeds many",
        "python -m sweeps.cli.rerunn KEY",
        "python -m analysis.report results --iteration 3",
        "ray submit infra/ray/aws.yaml sweeps/toy_robustness.py -- --scale-to 64",
        "ray job submit --address A -- python -m sweeps.toy_robustness --adress auto",
        "sbatch infra/slurm/study.sbatch toy_robustness --presets paper",
    ):
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            understood.check(next(pages.commands(wrong)))


def given(block: Block) -> list[str]:
    """Lines that a shell is given for a block."""
    if block.kind == "python":
        return ["python block.py"]
    options = shlex.split(block.mark.removeprefix("run with "))
    return [shlex.join([*pages.words(line), *options]) for line in block.lines] if options else block.lines


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted({block.page for block in RUN}), ids=name)
def test_commands_of_a_page_run(page: Path, tmp_path: Path) -> None:
    for entry in ROOT.iterdir():
        if entry.name not in ("results", "mlruns", "mlartifacts", "mlflow.db", ".git", ".venv"):
            (tmp_path / entry.name).symlink_to(entry)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }
    for block in (block for block in RUN if block.page == page):
        (tmp_path / "block.py").write_text(block.text)
        for line in given(block):
            done = subprocess.run(["bash", "-ec", line], cwd=tmp_path, env=environment, text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
            assert done.returncode == 0, f"{block}\n$ {line}\n{done.stdout}"
