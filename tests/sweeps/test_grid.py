"""Runs that are made when asked for are those of the list."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import pytest

from sweeps.planning import cohort_plans
from sweeps.study.grid import Grid
from sweeps.toy_robustness import STUDY
from trainables.configurations import content_hash, content_hashes
from trainables.runs import Run

PRESET = STUDY.preset("smoke", seeds=3, lambdas=(1.0, 0.0, 0.1))
GRID = STUDY.declared(PRESET)


def test_grid_has_every_combination_once() -> None:
    expected = [
        Run(STUDY.name, algorithm, lam, seed, configuration, 60, number)
        for (number, configuration), seed, lam, algorithm in itertools.product(
            STUDY.subset(12), range(3), (1.0, 0.0, 0.1), ("svae_r", "alice")
        )
    ]
    assert list(GRID) == expected == STUDY.runs(PRESET)
    assert len(GRID) == 216 == len({run.key for run in GRID})
    assert [run.number for run in GRID] == [run.number for run in expected]


def test_grid_of_another_precision_has_the_same_runs_in_it() -> None:
    other = STUDY.declared(PRESET, precision="bf16")
    assert list(other) == [replace(run, precision="bf16") for run in GRID]
    assert {run.precision for part in other.by_structure() for run in part} == {"bf16"}
    with pytest.raises(ValueError, match="precision must be one of"):
        STUDY.declared(PRESET, precision="fp8")


def test_grid_is_indexed_and_sliced_as_a_sequence() -> None:
    runs = list(GRID)
    assert (GRID[0], GRID[100], GRID[-1]) == (runs[0], runs[100], runs[-1])
    assert GRID[5:200:7] == tuple(runs[5:200:7])
    with pytest.raises(IndexError):
        GRID[216]


def test_by_structure_parts_the_grid_in_ascending_order() -> None:
    parts = GRID.by_structure()
    assert Counter(run for part in parts for run in part) == Counter(GRID)
    assert all(len({run.configuration.structure for run in part}) == 1 for part in parts)
    assert len({part[0].configuration.structure for part in parts}) == len(parts)
    for part in parts:
        order = [(run.configuration, run.seed, run.lam, run.algorithm) for run in part]
        assert order == sorted(order)


WITH_AND_WITHOUT = ("svae_r", "gan", "alice", "ali")


@pytest.mark.parametrize("lambdas", [(1.0, 0.0, 0.1), (1.0, 0.1), (0.0,), (0.1,)])
def test_algorithms_without_lambda_are_declared_once_and_no_key_twice(lambdas: tuple[float, ...]) -> None:
    grid = STUDY.declared(STUDY.preset("smoke", seeds=3, lambdas=lambdas), WITH_AND_WITHOUT)
    runs = list(grid)
    assert len(grid) == len(runs) == len({run.key for run in runs}) == 12 * 3 * (2 * len(lambdas) + 2)
    assert {(run.algorithm, run.lam) for run in runs} == {
        *itertools.product(("svae_r", "alice"), lambdas),
        ("gan", 0.0),
        ("ali", 0.0),
    }
    parts = grid.by_structure()
    assert Counter(run for part in parts for run in part) == Counter(runs)
    for part in parts:
        order = [(run.configuration, run.seed, run.lam, run.algorithm) for run in part]
        assert order == sorted(order)


def test_where_no_algorithm_has_lambda_its_values_declare_nothing() -> None:
    grids = [
        STUDY.declared(STUDY.preset("smoke", lambdas=lambdas), ("gan", "ali")) for lambdas in ((0.1, 1), (0,))
    ]
    assert grids[0] == grids[1]
    assert len(grids[0]) == 24


@pytest.mark.parametrize(("lam", "budget"), [(-1.0, 60), (float("nan"), 60), (0.1, 0)])
def test_grid_refuses_a_bad_value_before_a_run_is_asked_for(lam: float, budget: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        Grid(STUDY.name, budget, GRID.configurations, 1, (0.1, lam), ("alice",))


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_keys_of_a_grid_are_those_of_its_runs(precision: str) -> None:
    grid = replace(GRID, algorithms=("svae_r", "gan", "aavae:temperature=3"), precision=precision)
    keys = [run.key for run in grid]
    assert list(grid.keys()) == keys
    assert list(grid.keys(7)) == keys[7:]
    assert list(grid.keys(3, 40)) == keys[3:40]
    assert list(grid.keys(len(keys))) == []


def test_keys_of_missing_runs_pass_over_those_that_are_stored() -> None:
    keys = list(GRID.keys())
    for stored in (set(), set(keys[5:9]), {keys[0], keys[-1], keys[100]}):
        for group in cohort_plans.missing(GRID, stored).groups:
            assert list(group.keys(2, 30)) == [run.key for run in group[2:30]]
        groups = cohort_plans.missing(GRID, stored).groups
        assert set(itertools.chain.from_iterable(group.keys(0) for group in groups)) == set(keys) - stored


def test_hashes_of_contents_that_share_a_part_are_those_of_each() -> None:
    shared = {"b": 'a "quoted" 100 %s', "d": 0.1, "%": None}
    of = content_hashes(shared, ("e", "a"))
    for e, a in ((1, "x"), (1.0, "é%"), (True, None)):
        assert of(e, a) == content_hash({**shared, "e": e, "a": a})
