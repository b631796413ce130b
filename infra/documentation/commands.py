"""Every command of the project and its help: modules with a main guard, found, each asked for `--help` in this process."""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import os
import re
import runpy
import sys
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from infra.documentation.tables import table
from result_names import split_variant
from sweeps.study import Study

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("sweeps", "analysis", "infra")
COLUMNS = "100"
"""Columns of a help text."""


PARSER = re.compile(r"\b(import tyro|import argparse|main\(STUDY)")
"""In the source of a command that reads options."""


@cache
def commands() -> dict[str, str]:
    """Name of each module that can be run as `python -m NAME` -> its docstring; of a package with `__main__` the package's name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            source = path.read_text()
            if '\nif __name__ == "__main__":' in source:
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
                found[name] = ast.get_docstring(ast.parse(source)) or ""
    return found


def source(name: str) -> str:
    """Text of a command's module."""
    path = ROOT.joinpath(*name.split("."))
    return (path / "__main__.py" if path.is_dir() else path.with_suffix(".py")).read_text()


@cache
def studies() -> dict[str, Study]:
    """Name of each module that is a study's script -> the study."""
    modules = {
        name: importlib.import_module(name)
        for name in commands()
        if name.count(".") == 1 and name.startswith("sweeps.")
    }
    return {name: module.STUDY for name, module in modules.items() if isinstance(getattr(module, "STUDY", None), Study)}  # fmt: skip


@cache
def help_of(name: str) -> str:
    """What `python -m NAME --help` prints; '' of a command that reads no options."""
    if not PARSER.search(source(name)):
        return ""
    printed = io.StringIO()
    arguments, environment = sys.argv, dict(os.environ)
    sys.argv, os.environ["COLUMNS"] = [name, "--help"], COLUMNS
    try:
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the module is imported already, and is run anew
            runpy.run_module(name, run_name="__main__", alter_sys=True)
    finally:
        sys.argv = arguments
        os.environ.clear()
        os.environ.update(environment)
    return printed.getvalue()


def command_pages() -> Iterator[str]:
    """Every command but the studies' scripts, whose options are those of one of them."""
    first = next(iter(studies()))
    yield from [
        "## A study's script",
        "",
        "`python -m sweeps.NAME`, or `python sweeps/NAME.py`, of every study:",
        "",
    ]
    yield from [
        line.replace(f"{first.rpartition('.')[2]}.py", "NAME.py") for line in helped(first, after="usage:")
    ]
    for name, docstring in commands().items():
        if name not in studies():
            yield from [f"## `{name}`", ""]
            yield from helped(name) if help_of(name) else ["```text", docstring.strip(), "```", ""]


def helped(name: str, after: str = "") -> list[str]:
    """Help of a command as a block, from the first of these characters on."""
    lines = help_of(name)[help_of(name).find(after) :].strip().splitlines()
    return ["```text", *(line.rstrip() for line in lines), "```", ""]


def study_pages() -> Iterator[str]:
    """Every study: its description, what it compares, its space and its presets."""
    for name, study in studies().items():
        yield from [f"## `{study.name}`", "", study.question, ""]
        yield from ["```text", commands()[name].strip(), "```", ""]
        algorithms = ", ".join(f"[`{one}`](systems.md#{split_variant(one)[0]})" for one in study.algorithms)
        yield from [
            f"* Algorithms: {algorithms or 'all that can be trained on its data'}",
            f"* Data: `{study.data}`",
        ]
        yield f"* Headline: {', '.join(f'`{metric}`' for metric in study.headline)}"
        yield from [f"* Configurations: {study.search}", ""]
        yield from table(
            ["hyper-parameter", "values"],
            ([f"`{axis}`", shown(values)] for axis, values in study.space.items()),
        )
        yield from table(
            ["preset", "iterations", "λ", "seeds", "configurations"],
            (
                [f"`{preset}`", f"{one.iterations:,}", shown(one.lambdas), str(one.seeds), str(one.limit or "all")]
                for preset, one in study.presets.items()
            ),
        )  # fmt: skip


def shown(values: Any) -> str:
    """Levels of a dimension one after the other, or a range as it is written."""
    several = isinstance(values, Sequence) and not isinstance(values, str)
    return ", ".join(f"`{value}`" for value in values) if several else f"`{values}`"
