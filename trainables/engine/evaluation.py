"""Final metrics and generated points of every member of a cohort, computed fused."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from trainables import metrics
from trainables.engine.cohort import Cohort
from trainables.models.batch import Model, Networks
from trainables.randomness.streams import stream

METRICS = ("mse_x", "mse_z", "inception_score", "modes_covered", "on_mode_share")
"""The metrics of a run, in reading order."""

FURTHER_METRICS = (
    "elbo", "log_likelihood", "reconstruction", "kl_z", "accuracy", "kl_posterior", "bits_per_dim", "rmse", "elbo_error",
)  # fmt: skip
"""Metrics that only some systems or data have: of densities, in nats, of labels, of posteriors, and of grey levels."""

NOISE = ("z", "epsilon", "xi", "epsilon_again")
"""What the evaluation of a model takes."""


class Evaluation:
    """Evaluates a cohort on its data set's test points, with noise that is fixed per member.

    The noise is the same at every evaluation, so that a learning curve moves by learning alone.
    """

    def __init__(self, cohort: Cohort) -> None:
        data = cohort.dataset
        dims = cohort.form.dims(data) | {
            "epsilon_again": cohort.form.dims(data).get("epsilon", data.noise_dim)
        }
        self.dims = {piece: dims.get(piece, data.noise_dim) for piece in NOISE}
        size = (len(data.test), sum(self.dims.values()))
        noise = [
            stream(r.stream_key, "evaluation").standard_normal(size, dtype=np.float32) for r in cohort.runs
        ]
        self.noise = torch.from_numpy(np.stack(noise)).to(cohort.device)
        test = data.test.to(cohort.device)
        self.classes = data.classes
        self.x = test.expand(len(cohort), *test.shape)

    def __call__(self, cohort: Cohort) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Metric name -> values [M], float64, of the metrics that the system has; and generated points, float32."""

        def one(networks: Networks, x: Tensor, noise: Tensor, chosen: Tensor) -> dict[str, Tensor]:
            x, y = x.split([x.shape[-1] - self.classes, self.classes], dim=-1)
            model = Model(networks, cohort.form, cohort.dataset, y=y if self.classes else None)
            pieces = dict(zip(self.dims, noise.split(list(self.dims.values()), dim=-1), strict=True))
            values = cohort.dataset.evaluate(model, x, pieces)
            elbo = self._bound(cohort, model, x, pieces["epsilon"], chosen)
            if elbo is not None:
                values["elbo"] = elbo.double().mean()
                values["elbo_error"] = elbo.double().std() / len(elbo) ** 0.5
            return metrics.of_levels(values, cohort.dataset.x_dim, cohort.dataset.levels)

        values = {
            name: v.cpu().numpy()
            for name, v in cohort.evaluate(one, self.x, self.noise, cohort.chosen).items()
        }
        points = values.pop("points").astype(np.float32)
        return values, points

    @staticmethod
    def _bound(cohort: Cohort, model: Model, x: Tensor, epsilon: Tensor, chosen: Tensor) -> Tensor | None:
        """The bound that the member's own objective has, [n]; None where the cohort's have none."""
        if cohort.common("bound"):
            return cohort.objectives[0].bound(model, x, epsilon)
        bounds = [bound for o in cohort.objectives if (bound := o.bound(model, x, epsilon)) is not None]
        return torch.where(chosen.unsqueeze(-1), torch.stack(bounds), 0.0).sum(0)

    def conclude(self, cohort: Cohort, alive: np.ndarray) -> dict[str, np.ndarray]:
        """Metrics that are taken once, after the last iteration, of one member after the other: name -> values [M].

        alive: bool [M]; of the members that are not, they are NaN.
        """
        found: dict[int, dict[str, float]] = {}
        for m in np.flatnonzero(alive).tolist():
            run = cohort.runs[m]

            def draw(*shape: int, name: str, key: str = run.stream_key) -> Tensor:
                normal = stream(key, "conclusion", name).standard_normal(shape, dtype=np.float32)
                return torch.from_numpy(normal).to(cohort.device)

            with torch.inference_mode(False), torch.no_grad():  # some take gradients of their own
                model = Model(cohort.member(m), cohort.form, cohort.dataset)
                found[m] = cohort.dataset.conclude(model, draw)
        names = next(iter(found.values()), {})
        return {
            name: np.array([found.get(m, {}).get(name, np.nan) for m in range(len(cohort))]) for name in names
        }
