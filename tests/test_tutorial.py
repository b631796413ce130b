"""docs/tutorial.md to the letter: its files are written and its commands given, in order, in an empty folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from sweeps.cli.options import parse
from sweeps.toy_robustness import STUDY

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs" / "tutorial.md"
ANYTHING = "…"


@dataclass(frozen=True)
class Fence:
    """A fenced block.

    Attributes:
        kind: the words after the fence, such as 'sh exit 2'.
        text: its lines.
    """

    kind: str
    text: str

    @property
    def file(self) -> str:
        """Name of the file that it is, as its first comment says; '' of none."""
        named = re.match(r"# (\S+\.\w+)\n", self.text) if self.kind in ("python", "toml") else None
        return named[1] if named else ""

    @property
    def code(self) -> int:
        """The exit code that its command has."""
        return int(self.kind.partition("exit ")[2] or 0)


def fences() -> list[Fence]:
    found = re.findall(r"^```(.+)\n((?:.*\n)*?)```$", TUTORIAL.read_text(), re.MULTILINE)
    return [Fence(kind, text) for kind, text in found]


def write(folder: Path, fence: Fence) -> None:
    path = folder / fence.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(fence.text)


def give(folder: Path, fence: Fence) -> str:
    """What the command prints; it must end as the tutorial says."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "-e", "-c", fence.text], cwd=folder, env=environment, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == fence.code, f"{fence.text}{done.stdout}"
    return done.stdout


def pattern(shown: str) -> str:
    """Matches what a command prints: the lines that are shown, one after the other, with anything where there is '…'."""
    words = ""
    for line in shown.splitlines():
        words += r"(?:.*\n)*?" if line == ANYTHING else re.escape(line).replace(ANYTHING, ".*") + " *\n"
    return words


def follow(folder: Path, until: str = "") -> None:
    """Writes the files and gives the commands, up to the first one with these words."""
    blocks = fences()
    for place, fence in enumerate(blocks):
        if fence.file:
            write(folder, fence)
        elif fence.kind.startswith("sh"):
            output = give(folder, fence)
            shown = blocks[place + 1]
            assert shown.kind == "text", f"{fence.text} must be followed by what it prints"
            assert re.search(pattern(shown.text), output), f"{fence.text}{output}\nmust have\n{shown.text}"
            if until and until in fence.text:
                return


def test_every_fence_is_a_file_a_command_or_what_it_prints() -> None:
    kinds = {fence.kind: fence for fence in fences()}
    assert set(kinds) == {"python", "toml", "sh", "sh exit 2", "text", "console"}
    files = [fence.file for fence in fences() if fence.kind in ("python", "toml")]
    assert "" not in files
    assert len(set(files)) == len(files) == 7


def test_what_is_shown_matches_itself_and_nothing_shorter() -> None:
    shown = "a\n…\nb … c\n"
    assert re.search(pattern(shown), "before\na\nx\ny\nb anything c\n")
    assert not re.search(pattern(shown), "a\nb c\n")
    assert not re.search(pattern("a\nb\n"), "a\nx\nb\n")


def test_files_are_whole_and_the_parts_fulfil_their_contracts(tmp_path: Path) -> None:
    for fence in fences():
        if fence.file:
            write(tmp_path, fence)
    follow(tmp_path, until="pytest")


def test_entry_points_name_classes_of_the_files() -> None:
    texts = {fence.file: fence.text for fence in fences() if fence.file}
    project = tomllib.loads(texts["pyproject.toml"])
    points = project["project"]["entry-points"]
    assert len(points) == 3
    for own in points.values():
        for name, path in own.items():
            module, _, kind = path.partition(":")
            assert re.search(rf"class {kind}\(.*\n(?:.*\n)*? +name.* = \"{name}\"", texts[f"{module}.py"])
    for module in project["tool"]["setuptools"]["py-modules"]:
        assert f"{module}.py" in texts


def test_commands_for_a_cluster_are_understood() -> None:
    lines = [line for fence in fences() if fence.kind == "console" for line in fence.text.splitlines()]
    starts = [line.partition("my_study.py ")[2] for line in lines if "my_study.py " in line]
    assert len(starts) == 3
    for words in starts:
        options = parse(STUDY, shlex.split(words))
        assert options.address != "local"
        assert options.results != "results"


def test_links_lead_somewhere() -> None:
    for target, anchor in re.findall(r"\]\(([\w./]+)(?:#([\w-]+))?\)", TUTORIAL.read_text()):
        path = TUTORIAL.parent / target
        assert path.is_file()
        headings = [
            line.lstrip("# ").lower().replace(" ", "-")
            for line in path.read_text().splitlines()
            if line.startswith("#")
        ]
        assert not anchor or anchor in headings


@pytest.mark.slow
def test_the_tutorial_is_followed_to_its_end(tmp_path: Path) -> None:
    follow(tmp_path)
