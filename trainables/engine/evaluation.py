"""Metrics and generated points of every member of a cohort, computed fused, or of one after the other where a metric is `alone`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from trainables import metrics
from trainables.datasets import domains
from trainables.engine.cohort import Cohort
from trainables.metrics.base import EVERY, Metric
from trainables.metrics.evaluated import Bound, Draw, Evaluated
from trainables.models import pictures
from trainables.models.batch import Model, Networks
from trainables.models.spec import NOISE
from trainables.randomness.streams import stream

PIECES = tuple(piece for piece in NOISE if piece != "xi_again")
"""Noise that the evaluation of a model takes, and after it what further codes of a point are sampled from."""

SAMPLES = 256
"""Generated points that an evaluation gives of each member."""


class NotScalarError(ValueError):
    """A metric returned something else than one number."""


class Evaluation:
    """Evaluates a cohort on its data set's test points, with noise that is fixed per member.

    The noise is the same at every evaluation, so that a learning curve moves by learning alone.

    Args:
        cohort: what is evaluated.
        names: the metrics, by name or import path, of which those that the cohort's systems have are taken; None for all
            that are available.

    Attributes:
        metrics: those that are taken, in reading order.
        recogniser: by which images are measured; None where no metric that is taken needs one, and then none is trained or read.

    Raises:
        ValueError: there is no such metric.
    """

    def __init__(self, cohort: Cohort, names: Sequence[str] | None = None) -> None:
        data, form = cohort.dataset, cohort.form
        chosen = metrics.available().values() if names is None else map(metrics.find, names)
        self.has_bound = _has_bound(cohort)
        self.metrics = [one for one in chosen if one.applies(form, data, self.has_bound)]
        dims = form.dims(data) | {"epsilon_again": form.dims(data).get("epsilon", data.noise_dim)}
        pieces = dict.fromkeys((*PIECES, *form.codes))
        self.dims = {
            piece: dims.get(piece, data.noise_dim) for piece in pieces if piece != "z" or not data.other
        }
        size = (len(data.test), sum(self.dims.values()))
        noise = [
            stream(r.stream_key, "evaluation").standard_normal(size, dtype=np.float32) for r in cohort.runs
        ]
        self.noise = torch.from_numpy(np.stack(noise)).to(cohort.device)
        recognised = data.featured and any(metric.recognises for metric in self.metrics)
        self.recogniser = data.recogniser if recognised else None
        if recognised:
            data.test_features  # noqa: B018  # now, for a recogniser cannot be trained where models are vectorised
        test = domains.tested(data).to(cohort.device)
        self.x = test.expand(len(cohort), *test.shape)

    def __call__(self, cohort: Cohort, last: bool = True) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Metric name -> values [M], float64, of the metrics that are taken fused; and SAMPLES generated points, float32; `last` as of `alone`."""
        fused = [metric for metric in self._due(last) if not metric.alone]

        def one(networks: Networks, x: Tensor, noise: Tensor, chosen: Tensor) -> dict[str, Tensor]:
            at = self._at(cohort, networks, x, noise, chosen)
            return {metric.name: value_of(metric, at) for metric in fused} | {"": at.points[:SAMPLES]}

        values = {
            name: v.cpu().numpy()
            for name, v in cohort.evaluate(one, self.x, self.noise, cohort.chosen).items()
        }
        points = values.pop("").astype(np.float32)
        return values, points

    def alone(self, cohort: Cohort, alive: np.ndarray, last: bool) -> dict[str, np.ndarray]:
        """Metrics that are taken of one member after the other: name -> values [M], float64.

        Args:
            cohort: the members.
            alive: bool [M]; of the members that are not, they are NaN.
            last: whether no evaluation will follow, so that metrics of the end are taken.
        """
        found = {metric.name: np.full(len(cohort), np.nan) for metric in self._due(last) if metric.alone}
        for m in np.flatnonzero(alive).tolist() if found else []:
            run = cohort.runs[m]

            def draw(*shape: int, name: str, key: str = run.stream_key) -> Tensor:
                normal = stream(key, "conclusion", name).standard_normal(shape, dtype=np.float32)
                return torch.from_numpy(normal).to(cohort.device)

            with torch.inference_mode(False), torch.no_grad():  # some take gradients of their own
                # Clones, as tensors of inference mode have no gradients.
                rows, noise, chosen = self.x[m].clone(), self.noise[m].clone(), cohort.chosen[m].clone()
                at = self._at(cohort, cohort.member(m), rows, noise, chosen, draw)
                for metric in self.metrics:
                    if metric.name in found:
                        found[metric.name][m] = value_of(metric, at).item()
        return found

    def pictures(self, cohort: Cohort) -> list[dict[str, np.ndarray]]:
        """Pictures of each member by kind, uint8 [..., *shape of a point] (`pictures.drawn`); none where the data are no images."""
        data, most = cohort.dataset, pictures.Counts().samples
        if not pictures.of_images(data) or "decoder" not in cohort.form.networks:
            return [{} for _ in cohort.runs]

        def one(networks: Networks, x: Tensor, noise: Tensor, chosen: Tensor) -> dict[str, Tensor]:
            at = self._at(cohort, networks, x, noise, chosen)
            return pictures.drawn(at.model, at.x, at.noise)

        values = cohort.evaluate(one, self.x[:, :most], self.noise[:, :most], cohort.chosen)
        arrays = {kind: rows.unflatten(-1, data.shape).cpu().numpy() for kind, rows in values.items()}
        return [{kind: images[m] for kind, images in arrays.items()} for m in range(len(cohort))]

    def _due(self, last: bool) -> list[Metric]:
        """The metrics to take at an evaluation."""
        return [metric for metric in self.metrics if last or metric.when is EVERY]

    def _at(
        self,
        cohort: Cohort,
        networks: Networks,
        rows: Tensor,
        noise: Tensor,
        chosen: Tensor,
        draw: Draw | None = None,
    ) -> Evaluated:
        """One member as its metrics see it."""
        x, y, other = domains.parted(cohort.dataset, rows)
        model = Model(networks, cohort.form, cohort.dataset, y=y)
        pieces = dict(zip(self.dims, noise.split(list(self.dims.values()), dim=-1), strict=True))
        if other is not None:
            pieces["z"] = other
        return Evaluated(model, x, pieces, _bound_of(cohort, chosen) if self.has_bound else None, draw)


def value_of(metric: Metric, at: Evaluated) -> Tensor:
    """A metric's value, float64. Raises NotScalarError where it is no scalar of floating point."""
    value = metric(at)
    if not isinstance(value, Tensor) or value.ndim or not value.is_floating_point():
        got = f"shape {list(value.shape)} of {value.dtype}" if isinstance(value, Tensor) else repr(value)[:80]
        raise NotScalarError(
            f"the metric {metric.reference} must return a scalar tensor of floating point for one model, got {got}"
        )
    return value.double()


def _has_bound(cohort: Cohort) -> bool:
    """Whether the cohort's objectives have a lower bound."""
    return any(objective.has_bound for objective in cohort.objectives)


def _bound_of(cohort: Cohort, chosen: Tensor) -> Bound:
    """The bound that the member's own objective has; chosen: bool [objectives]."""

    def bound(model: Model, x: Tensor, epsilon: Tensor) -> Tensor:
        if cohort.common("bound"):
            value = cohort.objectives[0].bound(model, x, epsilon)
            assert value is not None
            return value
        bounds = [bound for o in cohort.objectives if (bound := o.bound(model, x, epsilon)) is not None]
        return torch.where(chosen.unsqueeze(-1), torch.stack(bounds), 0.0).sum(0)

    return bound
