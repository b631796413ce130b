"""Final metrics and generated points of every member of a cohort, computed fused."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from trainables import metrics, mixture
from trainables.cohort import Cohort
from trainables.networks import NOISE_DIM
from trainables.streams import stream

METRICS = ("mse_x", "mse_z", "inception_score", "modes_covered", "on_mode_share")
"""The metrics of a run, in reading order."""

DIMENSIONS = {"z": mixture.Z_DIM, "epsilon": NOISE_DIM, "xi": NOISE_DIM, "epsilon_again": NOISE_DIM}


class Evaluation:
    """Evaluates a cohort on the 1,024 test points, with noise that is fixed per member.

    The noise is the same at every evaluation, so that a learning curve moves by learning alone.
    """

    def __init__(self, cohort: Cohort) -> None:
        size = (mixture.TEST_POINTS, sum(DIMENSIONS.values()))
        noise = [
            stream(r.stream_key, "evaluation").standard_normal(size, dtype=np.float32) for r in cohort.runs
        ]
        self.noise = torch.from_numpy(np.stack(noise)).to(cohort.device)
        test = mixture.load().test.to(cohort.device)
        self.x = test.expand(len(cohort), *test.shape)

    def __call__(self, cohort: Cohort) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Metric name -> values [M], float64; and generated points [M, 1024, 2], float32."""
        values = {name: v.cpu().numpy() for name, v in cohort.evaluate(_evaluate, self.x, self.noise).items()}
        points = values.pop("points").astype(np.float32)
        return values, points


def _evaluate(networks: Mapping[str, Callable[..., Tensor]], x: Tensor, noise: Tensor) -> dict[str, Tensor]:
    """All metrics and the generated points of one model, computed in float64 from its float32 outputs."""
    z, epsilon, xi, epsilon_again = noise.split(list(DIMENSIONS.values()), dim=-1)
    encoder, decoder = networks["encoder"], networks["decoder"]
    x_again = decoder(encoder(x, epsilon), xi).double()
    generated = decoder(z, xi)
    z_again = encoder(generated, epsilon_again).double()
    points = generated.double()
    return {
        "mse_x": metrics.mean_squared_error(x.double(), x_again),
        "mse_z": metrics.mean_squared_error(z.double(), z_again),
        "inception_score": metrics.inception_score(mixture.log_posterior(points)),
        "modes_covered": metrics.modes_covered(points),
        "on_mode_share": metrics.on_mode_share(points),
        "points": points,
    }
