"""One configuration as a Ray Tune Trainable, for your own Tuner, scheduler or searcher.

    from ray import tune
    from trainables.ray_adapter import ToyTrainable

    tune.Tuner(
        ToyTrainable,
        param_space={"algorithm": "svae_r", "lam": tune.loguniform(1e-3, 1e1), "width": tune.choice([32, 64])},
        tune_config=tune.TuneConfig(metric="inception_score", mode="max", num_samples=16, reuse_actors=True),
    ).fit()

Studies train whole cohorts per trial instead (`sweeps.execution.trial`): the same loop, many members.
"""

from __future__ import annotations

from typing import Any

import torch
from ray import tune

from trainables import configurations
from trainables.engine import checkpoint
from trainables.engine.training import Training
from trainables.runs import Run

DEFAULTS: dict[str, Any] = {
    "algorithm": "svae_r",
    "lam": 0.1,
    "seed": 0,
    "iterations": 1600,
    "device": "cpu",
    "depth": 2,
    "width": 64,
    "critic_depth": 2,
    "batch_size": 128,
    "steps": 5,
    "learning_rate": 1e-3,
    "beta1": 0.5,
    "critic_dropout": 0.0,
}
"""A trial's configuration where it says nothing. It may set every other hyper-parameter of its parts, too."""


OF_A_RUN = ("algorithm", "lam", "seed", "iterations", "device")
"""Keys of a configuration that are no hyper-parameters."""


class ToyTrainable(tune.Trainable):
    """A cohort of one. A step trains to the next evaluation and returns its metrics.

    A diverged run ends with `outcome` DIVERGED, `diverged_at` and no metrics; name a `default` to your
    searcher if it needs one.

    Raises:
        ValueError: the configuration has an unknown name or a value out of bounds.
    """

    def setup(self, config: dict[str, Any]) -> None:
        known = {*DEFAULTS, *configurations.among({name: (value,) for name, value in config.items()})}
        unknown = sorted(set(config) - known)
        if unknown:
            raise ValueError(f"configuration may set {', '.join(sorted(known))}; got {', '.join(unknown)}")
        values = {**DEFAULTS, **config}
        torch.set_num_threads(1)
        run = Run(
            study="trainable",
            algorithm=values["algorithm"],
            lam=values["lam"],
            seed=values["seed"],
            configuration=configurations.fitted({n: v for n, v in values.items() if n not in OF_A_RUN}),
            budget=values["iterations"],
        )
        self.training = Training([run], device=values["device"])

    def step(self) -> dict[str, Any]:
        training = self.training
        training.advance()
        while not training.evaluated:
            training.advance()
        diverged_at = int(training.diverged_at[0])
        point = {name: value for name, value in training.curves[0][-1].items() if value is not None}
        outcome = "DIVERGED" if diverged_at else "COMPLETED" if training.finished else "RUNNING"
        end = {"diverged_at": diverged_at} if diverged_at else {}
        return {**point, **end, "outcome": outcome, tune.result.DONE: training.finished}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        checkpoint.save(self.training, checkpoint_dir)

    def load_checkpoint(self, checkpoint_dir: str) -> None:
        checkpoint.load(self.training, checkpoint_dir)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.setup(new_config)
        return True
