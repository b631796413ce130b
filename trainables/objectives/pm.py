"""PM: an autoencoder whose code units cannot be predicted from each other."""

from typing import final

import torch
from torch import Tensor

from trainables.models.batch import Batch
from trainables.models.spec import Form, Net
from trainables.objectives.base import Objective
from trainables.parameters import weight


@final
class PM(Objective):
    """PM, predictability minimisation: a predictor guesses each code unit from the others, and the encoder makes that hard.

    Source: Schmidhuber 1992 (learning factorial codes by predictability minimization); Hu et al. 2018, appendix C, which sees the
    critic of an AAE as a special form of the predictor.

        predictor: E Σᵢ (cᵢ − gᵢ(c without cᵢ))²,  c = σ(z~);   encoder and decoder: −(the same) + λ R_x

    Units in (0, 1) keep the error from growing without bound, as Schmidhuber's do. The predictor's best guess is the mean of
    cᵢ given the others; independent units have it constant, and the error is their variance.

    Departures from the papers:
        1. One network predicts every unit, from the code with that unit at 0, where Schmidhuber has a network for each.
        2. R_x is that of a deterministic decoder in nats, which λ weighs; Schmidhuber's reconstructor is optional.
        3. Nothing here matches codes to p(z), from which the metrics generate points: a code, not a model of the data.
    """

    name = "pm"
    label = "PM"
    baselines = ("aae",)
    lam = weight()
    form = Form(
        {"encoder": Net(("x",), "z"), "decoder": Net(("z",), "x"), "predictor": Net(("z",), "z")},
        {"critic": ("predictor",), "autoencoder": ("encoder", "decoder")},
    )

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """The predictor's error."""
        return unpredictability(batch)

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        return lam * batch.R_x - unpredictability(batch)


def unpredictability(batch: Batch) -> Tensor:
    """E Σᵢ (cᵢ − gᵢ(c without cᵢ))², a scalar in [0, ∞)."""
    units = torch.sigmoid(batch.z_q).split(1, dim=-1)
    gaps = [
        torch.cat([torch.zeros_like(c) if i == j else c for j, c in enumerate(units)], -1)
        for i in range(len(units))
    ]
    guesses = batch.given("predictor", z=torch.cat(gaps)).unflatten(0, (len(units), -1))
    guessed = torch.cat([guesses[i, :, i : i + 1] for i in range(len(units))], -1)
    return (torch.cat(units, -1) - guessed).square().sum(-1).mean()
