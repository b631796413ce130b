"""The Trainable for people who bring their own Tuner."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.trainables.factory import train
from trainables.configurations import Configuration, required
from trainables.ray_adapter import DEFAULTS, ToyTrainable
from trainables.runs import Run

CONFIG = {"algorithm": "alice", "lam": 0.5, "iterations": 60, "width": 32, "batch_size": 64, "steps": 1}


def last(trainable: ToyTrainable) -> dict[str, object]:
    """The result of its last step."""
    result = trainable.train()
    while not result["done"]:
        result = trainable.train()
    return result


def test_trainable_gives_the_result_of_the_fused_engine() -> None:
    result = last(ToyTrainable(CONFIG))
    values = {**DEFAULTS, **CONFIG}
    run = Run("trainable", "alice", 0.5, 0, Configuration(**{n: values[n] for n in required()}), 60)
    expected = train([run])[0][run.key].metrics
    assert expected is not None
    assert {name: result[name] for name in expected} == expected
    assert result["outcome"] == "COMPLETED"


def test_trainable_continues_from_its_checkpoint(tmp_path: Path) -> None:
    whole = last(ToyTrainable(CONFIG))
    first = ToyTrainable(CONFIG)
    first.train()
    first.save_checkpoint(str(tmp_path))
    second = ToyTrainable(CONFIG)
    second.load_checkpoint(str(tmp_path))
    assert last(second)["mse_x"] == whole["mse_x"]


def test_trainable_is_as_new_when_it_is_reused() -> None:
    fresh = last(ToyTrainable(CONFIG))
    reused = ToyTrainable({**CONFIG, "seed": 5, "learning_rate": 1e-4})
    last(reused)
    assert reused.reset(dict(CONFIG))
    assert last(reused)["inception_score"] == fresh["inception_score"]


def test_trainable_reports_divergence_without_metrics() -> None:
    trainable = ToyTrainable(CONFIG)
    trainable.training.cohort.parameters["critic"].fill_(math.nan)
    result = last(trainable)
    assert (result["outcome"], result["diverged_at"]) == ("DIVERGED", 1)
    assert "mse_x" not in result or math.isfinite(result["mse_x"])  # type: ignore[arg-type]


def test_trainable_refuses_unknown_names_and_bad_values() -> None:
    with pytest.raises(ValueError, match="got learning_rat"):
        ToyTrainable({"learning_rat": 1e-3})
    with pytest.raises(ValueError, match="width must be >= 1, got 0"):
        ToyTrainable({"width": 0})


@pytest.mark.slow
def test_trainable_runs_under_tune_with_a_scheduler_and_reused_actors(tmp_path: Path) -> None:
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        grid = tune.Tuner(
            ToyTrainable,
            param_space={**CONFIG, "iterations": 120, "lam": tune.grid_search([0.01, 0.1, 1.0, 10.0])},
            tune_config=tune.TuneConfig(
                metric="inception_score",
                mode="max",
                reuse_actors=True,
                scheduler=ASHAScheduler(max_t=6, grace_period=2),
            ),
            run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0),
        ).fit()
        assert not grid.errors
        assert len(grid) == 4
        assert grid.get_best_result().metrics["inception_score"] >= 1
    finally:
        ray.shutdown()
