"""Whether a command of the documentation is one: its module, its options and their values, by the parser of the command itself."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

import pytest

from infra.documentation.commands import commands, help_of, studies
from sweeps.cli.options import parse
from sweeps.toy_robustness import STUDY
from tests.documentation.pages import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
ANYTHING = "…"
SCRIPT = re.compile(r"(?:.*/)?(\w+)\.py")


def check(command: Sequence[str]) -> None:
    """Raises AssertionError where a command of this project is none; whatever else it is, is not looked at."""
    match list(command):
        case ["make", *rest]:
            check_make(rest)
        case ["python", "-m", module, *options]:
            check_module(module, options)
        case ["python", script, *options] if named := SCRIPT.fullmatch(script):
            check_script(script, named[1], options)
        case ["ray", "submit", *_] | ["ray", "job", "submit", *_] if "--" in command:
            before, after = split(command)
            named = SCRIPT.fullmatch(before[-1])
            check(["python", before[-1], *after] if named else after)
        case ["sbatch", *words]:
            script = next(place for place, word in enumerate(words) if word.endswith(".sbatch"))
            check_module(f"sweeps.{words[script + 1]}", words[script + 2 :])


def split(command: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """What is before and after the first '--'."""
    at = command.index("--")
    return command[:at], command[at + 1 :]


def check_make(arguments: Sequence[str]) -> None:
    """Targets are the Makefile's, and ARGS are options of the command that the target runs."""
    values = dict(word.split("=", 1) for word in arguments if "=" in word)
    for target in (word for word in arguments if "=" not in word and word != ANYTHING):
        recipe = re.search(rf"^{re.escape(target)}:.*\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
        assert recipe, f"make has no target {target}"
        study = values.get("STUDY", "toy_robustness")
        if re.search(r"\$\(STUDY\)\.py", recipe[1]):
            check_module(f"sweeps.{study}", shlex.split(values.get("ARGS", "")))
        elif module := re.search(r"-m (infra|sweeps|analysis)([\w.]*) .*\$\(ARGS\)", recipe[1]):
            check_module(f"{module[1]}{module[2]}", shlex.split(values.get("ARGS", "")))


def check_script(path: str, name: str, options: Sequence[str]) -> None:
    """A script of this project is there; one of somebody's own is a study's."""
    if path.startswith(("sweeps/", "infra/", "analysis/")) and not name.isupper():
        assert (ROOT / path).is_file(), f"there is no {path}"
        check_module(path.removesuffix(".py").replace("/", "."), options)
    else:
        check_study(STUDY.name, options)


def check_module(module: str, options: Sequence[str]) -> None:
    """A command of this project has these options."""
    if not module.startswith(("sweeps.", "infra.", "analysis.")):
        return
    name = module.rpartition(".")[2]
    assert name.isupper() or name == ANYTHING or module in commands(), f"python -m {module} is no command"
    if module in studies():
        check_study(module.rpartition(".")[2], options)
    elif module in commands():
        check_names(options, help_of(module), module)


def check_study(name: str, options: Sequence[str]) -> None:
    """A study has these options, with these values."""
    study = studies().get(f"sweeps.{name}", STUDY)
    options = list(options)
    if ANYTHING in " ".join(options) or "--help" in options:
        check_names(options, help_of("sweeps.toy_robustness"), f"sweeps/{name}.py")
        return
    try:
        parse(study, options)
    except SystemExit:
        pytest.fail(f"sweeps/{name}.py does not understand {shlex.join(options)}")


def check_names(options: Sequence[str], text: str, command: str) -> None:
    """Options are in the help text of a command."""
    for option in options:
        if option.startswith("--"):
            name = option.partition("=")[0]
            assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text), (
                f"{command} has no option {name}"
            )
