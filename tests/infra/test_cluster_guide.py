"""docs/cluster.md names files that are there and gives commands that the study understands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sweeps.cli.options import parse
from sweeps.toy_robustness import STUDY
from tests.infra.installed import ROOT

TEXT = (ROOT / "docs" / "cluster.md").read_text()
FILES = [
    ROOT / "README.md",
    ROOT / "docs/cluster.md",
    *sorted((ROOT / "infra").rglob("*.yaml")),
    ROOT / "infra/slurm/study.sbatch",
]
STARTS = re.compile(
    r"(?:sweeps/toy_robustness\.py --|python -m sweeps\.toy_robustness|study\.sbatch toy_robustness) (--[^`#|…]*)"
)


def commands() -> list[tuple[str, str]]:
    """(file, options) of every start of the study, its lines joined where they go on."""
    found = []
    for path in FILES:
        text = re.sub(r"\\\n#? *", "", path.read_text())
        found += [(str(path.relative_to(ROOT)), options.splitlines()[0]) for options in STARTS.findall(text)]
    return found


def test_guide_names_files_that_are_there() -> None:
    named = set(re.findall(r"\b((?:infra|docs|trainables)/[\w/.]+\.(?:yaml|md|py|sbatch))", TEXT))
    assert len(named) >= 7
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
    targets = set(re.findall(r"`?make ([a-z-]+)", TEXT))
    makefile = (ROOT / "Makefile").read_text()
    assert targets >= {"wheel", "study", "tracking-server", "test-cluster"}
    assert [target for target in sorted(targets) if f"\n{target}:" not in makefile] == []


def test_there_are_commands_for_every_place() -> None:
    files = {Path(name).name for name, _ in commands()}
    assert files >= {
        "README.md",
        "cluster.md",
        "aws.yaml",
        "gcp.yaml",
        "local.yaml",
        "raycluster.yaml",
        "study.sbatch",
    }


@pytest.mark.parametrize(("file", "options"), commands())
def test_study_understands_the_command(file: str, options: str) -> None:
    parsed = parse(STUDY, shlex.split(options))
    assert parsed.preset == "paper", file
    assert parsed.results != "results", f"{file}: rows would stay on one node"
