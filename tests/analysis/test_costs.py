"""Costs of runs by hand: device time, energy, money, and the same runs one at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import pytest

import result_prices
from analysis.costs.__main__ import main
from analysis.rows import load
from analysis.sections.costs import Costs
from analysis.spending.alone import RATIOS
from analysis.spending.runs import Total, alone, costs
from analysis.spending.words import UNKNOWN, by_system
from result_prices import Prices, PricesError
from tests.analysis.conftest import make_run
from tests.analysis.made import made

ROOT = Path(__file__).parents[2]
PRICES = Prices("EUR", {"cpu": 0.36, "cuda": 3.6})


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    plain = {
        "algorithm": "alice",
        "device": "cpu",
        "train_seconds": 100.0,
        "device_share": None,
        "energy_joules": None,
        "width": 64,
    }
    return pd.DataFrame([plain | row for row in rows])


def test_device_time_is_of_the_part_of_the_device_and_unknown_where_rows_do_not_say_it() -> None:
    runs = frame({}, {"device_share": 1.0}, {"device": "cuda:1", "device_share": 0.25}, {"device": "cuda"})
    spent = costs(runs, PRICES)
    assert spent["device"].tolist() == ["cpu", "cpu", "cuda", "cuda"]
    # A row from before the column is of a core on a CPU; of a GPU it may be any part.
    np.testing.assert_array_equal(spent["device_seconds"], [100.0, 100.0, 25.0, np.nan])
    # 100 s of a core at 0.36 an hour are 0.01; 25 s of a GPU at 3.6 an hour are 0.025.
    np.testing.assert_allclose(spent["money"], [0.01, 0.01, 0.025, np.nan])
    assert spent["joules"].isna().all()
    assert costs(runs)["money"].isna().all()


def test_energy_that_has_a_price_and_is_not_known_makes_the_money_unknown() -> None:
    runs = frame({"energy_joules": 3.6e6}, {})
    spent = costs(runs, Prices("EUR", {"cpu": 0.36}, per_kwh=0.5))
    np.testing.assert_allclose(
        spent["money"], [0.01 + 0.5, np.nan]
    )  # a kilowatt-hour, and none that is known


def test_devices_without_a_price_have_none() -> None:
    assert np.isnan(costs(frame({}), Prices("EUR", {"cuda": 1.0}))["money"][0])


def test_one_at_a_time_goes_by_the_nearest_measured_width() -> None:
    runs = frame(
        {},
        {"width": 100},
        {"width": 90},
        {"width": 16},
        {"width": None},
        {"device": "cuda", "device_share": 1.0},
    )
    # 100 is nearer to 128 than to 64 as a ratio; 90.5 is half way. Beyond the measured widths, without one, and on a GPU: unknown.
    one = [100 * RATIOS[64][0], 100 * RATIOS[128][0], 100 * RATIOS[64][0], np.nan, np.nan, np.nan]
    np.testing.assert_allclose(alone(runs)["one"], one)
    np.testing.assert_allclose(alone(runs)["packed"][0], 100 * RATIOS[64][1])
    assert alone(runs.drop(columns="width")).isna().all(axis=None)


def test_ratios_are_those_of_the_committed_benchmark() -> None:
    measured: dict[tuple[str, str], list[float]] = {}
    for one in json.loads((ROOT / "docs" / "benchmarks.json").read_text())["measurements"]:
        measured.setdefault((one["contender"], one["scope"]), []).append(one["seconds_per_run"])
    seconds = {key: median(values) for key, values in measured.items()}
    for width, ratios in RATIOS.items():
        engine = seconds["engine", str(width)]
        found = [seconds[contender, str(width)] / engine for contender in ("alone", "packed")]
        assert ratios == pytest.approx(found, abs=0.05)  # they have one decimal


def test_a_total_says_of_how_many_runs_it_is() -> None:
    assert Total.of(np.array([1.0, np.nan, 2.0])) == Total(3.0, 2, 3)
    nothing = Total.of(np.array([np.nan]))
    assert np.isnan(nothing.value)
    header, lines = by_system(frame({"energy_joules": 7.2e6}, {"algorithm": "svae_r"}), PRICES)
    kwh = [line[header.index("kWh")] for line in lines]
    assert kwh == ["2.00", UNKNOWN, "2.00 (of 1 run)"]  # of ALICE, of sVAE-r, of all
    assert lines[-1][:3] == ["all", "core", "2"]
    assert lines[-1][header.index("EUR")] == "0.0200"


def test_the_command_prints_writes_and_keeps(
    store: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = store([make_run("alice", n, train_seconds=36.0) for n in range(4)])
    (tmp_path / "list.json").write_text(PRICES.to_json())
    options = ["--prices", str(tmp_path / "list.json"), "--keep", "--csv", str(tmp_path / "costs.csv")]
    assert main([str(where), *options]) == 0
    assert "0.0144" in capsys.readouterr().out  # 4 × 36 s at 0.36 an hour
    written = pd.read_csv(tmp_path / "costs.csv")
    np.testing.assert_allclose(written["money"], 0.0036)
    assert written["joules"].isna().all()
    assert result_prices.read(str(where)) == PRICES
    part = made(Costs, load(str(where)))
    assert part.title == "What it cost"
    assert "0.0144" in part.body


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--per-hour", "-1"], "--per-hour must be"),
        (["--per-hour", "1", "--prices", "x"], "must not both"),
        (["--keep"], "--keep must come with"),
        (["--prices", "none.json"], "none.json"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    store: Callable[..., Path], options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(store([make_run("alice", 0)])), *options]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert words in error


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"per_hour": {"cpu": -1}}', '{"per_hour": {"cpu": "x"}}', '{"per_hour": {}, "euro": 1}',
             '{"per_hour": {}, "per_kwh": NaN}', '{"per_hour": {}, "per_kwh": "1"}']
)  # fmt: skip
def test_what_is_no_price_list_is_refused(text: str) -> None:
    with pytest.raises(PricesError, match=r"list must be a price list such as"):
        Prices.from_json(text, "list")
