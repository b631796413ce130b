"""All systems of several studies in one table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.sections._joined_systems import joined
from analysis.systems import main


def test_systems_of_several_studies_stand_in_one_line_each(
    run: Callable[..., Any], study: Callable[..., Any]
) -> None:
    first = study(
        [run(a, 0, seed=s, inception_score=i) for a, i in (("gan", 2.0), ("wgan", 3.0)) for s in (0, 1)]
    )
    second = study([run(a, 0, seed=s, inception_score=7.0, outcome=o)
                    for a, o in (("gan", "COMPLETED"), ("vae", "DIVERGED")) for s in (0, 1)], study="other")  # fmt: skip
    header, lines = joined([first, second])
    assert header[:4] == ["λ", "system", "toy_robustness: runs", "toy_robustness: DIVERGED"]
    assert "other: inception score" in header
    by_system = {line[1]: dict(zip(header, line, strict=True)) for line in lines}
    assert list(by_system) == ["WGAN", "GAN", "VAE"]  # the best inception score first
    assert by_system["GAN"]["other: inception score"].startswith("7.00")
    assert by_system["WGAN"]["other: inception score"] == "–"
    assert (by_system["VAE"]["other: DIVERGED"], by_system["VAE"]["toy_robustness: runs"]) == ("2", "–")


def test_a_directory_without_rows_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
