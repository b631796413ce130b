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

METRICS: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    "mse_x": lambda x, x_again, z, z_again, generated: metrics.mean_squared_error(x, x_again),
    "mse_z": lambda x, x_again, z, z_again, generated: metrics.mean_squared_error(z, z_again),
    "inception_score": lambda x, x_again, z, z_again, generated: metrics.inception_score(
        mixture.log_posterior(generated)
    ),
    "modes_covered": lambda x, x_again, z, z_again, generated: metrics.modes_covered(generated),
    "on_mode_share": lambda x, x_again, z, z_again, generated: metrics.on_mode_share(generated),
}
"""Name -> metric of one model, in float64."""

DIMENSIONS = {"z": mixture.Z_DIM, "epsilon": NOISE_DIM, "xi": NOISE_DIM, "epsilon_again": NOISE_DIM}


class Evaluation:
    """Evaluates a cohort on the 1,024 test points, with noise that is fixed per member.

    The noise is the same at every evaluation, so that a learning curve moves by learning alone.
    """

    def __init__(self, cohort: Cohort) -> None:
        size = (mixture.TEST_POINTS, sum(DIMENSIONS.values()))
        noise = [stream(r.stream_key, "evaluation").standard_normal(size, dtype=np.float32) for r in cohort.runs]
        self.noise = torch.from_numpy(np.stack(noise)).to(cohort.device)
        test = mixture.load().test.to(cohort.device)
        self.x = test.expand(len(cohort), *test.shape)

    def __call__(self, cohort: Cohort) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Metric name -> values [M], float64; and generated points [M, 1024, 2], float32."""
        packed = cohort.evaluate(_evaluate, self.x, self.noise)
        values, points = packed.split([len(METRICS), packed.shape[1] - len(METRICS)], dim=1)
        named = dict(zip(METRICS, values.cpu().numpy().T, strict=True))
        generated = points.unflatten(1, (-1, mixture.X_DIM)).float().cpu().numpy()
        return named, generated


def _evaluate(networks: Mapping[str, Callable[..., Tensor]], x: Tensor, noise: Tensor) -> Tensor:
    """All metrics, then the generated points, of one model as one float64 vector."""
    z, epsilon, xi, epsilon_again = noise.split(list(DIMENSIONS.values()), dim=-1)
    encoder, decoder = networks["encoder"], networks["decoder"]
    x_again = decoder(encoder(x, epsilon), xi)
    generated = decoder(z, xi)
    z_again = encoder(generated, epsilon_again)
    arguments = [t.double() for t in (x, x_again, z, z_again, generated)]
    values = torch.stack([metric(*arguments) for metric in METRICS.values()])
    return torch.cat([values, arguments[-1].flatten()])
