"""The benchmarks of long searches and of a mirror that follows, at a small size: what they print adds up."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.benchmarks.at_scale import live_mirror, long_search

PAPER_STUDY = Path(__file__).parents[2] / "docs" / "paper_study"


def cells(out: str) -> list[list[str]]:
    """Cells of a Markdown table's rows, without its head."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in out.strip().splitlines()[2:]]


def test_long_search_prints_a_row_for_each_sampler(capsys: pytest.CaptureFixture[str]) -> None:
    long_search.main(["--runs", "40", "--samplers", "tpe", "nsga2"])
    rows = cells(capsys.readouterr().out)
    assert [row[:2] for row in rows] == [["tpe", "40"], ["nsga2", "40"]]
    for row in rows:
        mean, part = float(row[4]), float(row[5].rstrip("%"))
        assert part == pytest.approx(mean / 1e3 / long_search.TRAINING_SECONDS * 100, abs=0.06)


@pytest.mark.slow
def test_live_mirror_sees_every_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    live_mirror.main(
        [str(PAPER_STUDY), str(tmp_path / "live"), "--rate", "400", "--seconds", "0.1", "--mirror", "all"]
    )
    ((policy, beside, _, there, *lags, last, _, _),) = cells(capsys.readouterr().out)
    assert (policy, beside) == ("all", "0")
    assert float(last.removesuffix(" s")) >= 0
    seen, stored = there.split(" of ")
    assert seen == stored != "0"
    assert [float(lag) for lag in lags] == sorted(float(lag) for lag in lags)
