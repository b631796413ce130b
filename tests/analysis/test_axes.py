"""A study turned so that an own hyper-parameter stands where λ does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from analysis.axes import axes, turned
from analysis.comparison.trends import by_lambda
from analysis.rows import load
from analysis.sections.along_own import AlongOwn, cells_of
from tests.analysis.made import made
from tests.analysis.measures import INCEPTION

OWN = {"aavae": {"temperature": 1.5}, "wgan": {"critic_steps": 5, "clip": 0.01}, "aassvae": {"lam": None, "temperature": 1.5}}  # fmt: skip
TEMPERATURES = {1.0: "aavae:temperature=1", 1.5: "aavae", 3.0: "aavae:temperature=3"}


def declared(directory: Path) -> Path:
    path = directory / "study.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"own": OWN}))
    return directory


def heated(run, configurations: int = 6) -> list[dict[str, object]]:
    """AAVAE, whose score rises with T, at three T; another system at two values of its own; λ 0.1 and 1 of a third."""
    rows = [
        run(name, c, 0.0, inception_score=2 + t + c / 100) for t, name in TEMPERATURES.items() for c in range(configurations)
    ]  # fmt: skip
    rows += [run(name, c, 0.0) for name in ("wgan", "wgan:clip=0.1") for c in range(configurations)]
    rows += [run("alice", c, lam) for lam in (0.1, 1.0) for c in range(configurations)]
    return rows


def test_values_stand_in_the_place_of_lambda_and_the_default_is_one_of_them(store, run) -> None:
    study = load(str(declared(store(heated(run)))))
    assert axes(study) == ["temperature"]  # of clip there are two values
    along = turned(study, "temperature")
    assert (along.algorithms, along.lambdas) == (["aavae"], [1.0, 1.5, 3.0])
    table = by_lambda(along, "aavae", INCEPTION)
    np.testing.assert_allclose(table.to_numpy()[0], [3.0, 3.5, 5.0])
    assert len(along.runs) == 18


def test_systems_with_lambda_are_turned_at_each_and_named_by_it(store, run) -> None:
    names = ("aassvae", "aassvae:temperature=1", "aassvae:temperature=3")
    rows = [run(name, c, lam) for name in names for lam in (0.1, 1.0) for c in range(6)]
    rows += [run("aassvae:temperature=9", c, 1.0) for c in range(6)]
    along = turned(load(str(declared(store(rows)))), "temperature")
    assert set(along.algorithms) == {"aassvae:lam=0.1", "aassvae:lam=1"}
    found = along.runs.groupby("algorithm")["lam"].agg(lambda lam: sorted(set(lam)))
    assert found.to_dict() == {"aassvae:lam=0.1": [1.0, 1.5, 3.0], "aassvae:lam=1": [1.0, 1.5, 3.0, 9.0]}


def test_what_else_an_algorithm_differs_in_stays_in_its_name(store, run) -> None:
    names = [f"wgan:critic_steps=3,clip={clip}" for clip in (0.02, 0.04)] + [
        "wgan:critic_steps=3",
        "wgan",
        "wgan:clip=0.02",
    ]
    along = turned(load(str(declared(store([run(n, c, 0.0) for n in names for c in range(6)])))), "clip")
    assert (along.algorithms, along.lambdas) == (["wgan:critic_steps=3"], [0.01, 0.02, 0.04])


def test_a_report_has_a_section_along_it(store, run) -> None:
    study = load(str(declared(store(heated(run)))))
    header, cells = cells_of(turned(study, "temperature"), "temperature")
    assert header[2] == "best temperature"
    assert [line[2] for line in cells] == ["1", "3"]  # of equal MSE the smallest; of the score the largest
    assert cells[1][-1].startswith("1")  # τ
    part = made(AlongOwn, study)
    assert [drawing.name for drawing in part.drawings] == ["along_temperature"]
    assert part.title == "Along temperature"
