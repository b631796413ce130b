"""Parts of somebody's own with something wrong: one clear line, exit code 2, before anything trains or is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_own_repository import SCRIPT, command
from trainables import networks

WRONG = "my_lab.wrong"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("encoder Unbounded", "my_lab.wrong:Unbounded.units must have bounds (least, above, most, below, multiple), such as least=1, got none"),
        ("encoder Untyped", "my_lab.wrong:Untyped.units must be annotated as int, float or str, got list[int]"),
        ("encoder OutOfItsBounds", "the default of my_lab.wrong:OutOfItsBounds.units must be within its own bounds: units must be >= 1, got 0"),
        ("encoder Taken", "my_lab.wrong:Taken must not declare batch_size, which is the training loop's; rename it"),
        ("encoder TwiceAsWide", "the encoder my_lab.wrong:TwiceAsWide must give [32, 2] for [32, 2] and [32, 2], got [32, 4]"),
        ("decoder Dropping", "the decoder my_lab.wrong:Dropping must draw no random numbers, as dropout does"),
        ("critic Unbuilt", "the critic my_lab.wrong:Unbuilt must be built, but raised KeyError: 'pixels'"),
        ("encoder Missing", "my_lab.wrong:Missing must be a class that can be imported, as module:Class, but is none"),
        ("optimiser Linear", "my_lab.wrong:Linear must be a subclass of trainables.optimisers.base:Optimiser with a name"),
        ("optimiser Forgetful", "Forgetful.update must give parameters and the state velocity shaped like them"),
        ("optimiser Failing", "Failing.update must compute a step, but raised RuntimeError"),
    ],
)  # fmt: skip
def test_a_wrong_part_is_refused_in_one_line_before_anything_trains(
    options: str, message: str, tmp_path: Path
) -> None:
    what, name = options.split()
    refused(tmp_path, message, "--set", what, f"{WRONG}:{name}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "optimiser", "adan"], "an optimiser must be one of adam, rmsprop, or an import path module:Class, got 'adan'; did you mean adam?"),
        (["--set", "encoder", "5"], f"a network must be one of {', '.join(networks.available())}, or an import path module:Class, got '5'"),
        (["--set", "witdh", "64"], "got 'witdh'; did you mean width?"),
        (["--set", "width", "wide"], "width must be int, got 'wide'"),
        (["--set", "z_dim", "0"], "z_dim must be >= 1, got 0"),
        (["--set", "z_dim", "3", "--data", "eight_schools", "--algorithms", "vae"], "z_dim must be 10 on eight_schools, which comes with its decoder, got 3"),
        (["--set", "alpha", "0.9"], "got 'alpha'"),
        (["--py-modules", "my_lab.broken"], "--py-modules must be modules that can be imported here, but my_lab.broken cannot (RuntimeError: no licence for this machine)"),
    ],
)  # fmt: skip
def test_a_wrong_level_is_refused_in_one_line_before_anything_trains(
    options: list[str], message: str, tmp_path: Path
) -> None:
    refused(tmp_path, message, *options)


def refused(where: Path, message: str, *options: str) -> None:
    done = command(where, str(SCRIPT), "--preset", "smoke", "--limit", "1", *options)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.returncode == 2
    assert not (where / "results").exists()
