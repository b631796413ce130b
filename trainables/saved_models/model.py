"""A trained model as an `nn.Module`: its networks, and what one asks of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor, nn

from trainables import datasets, objectives
from trainables.configurations import Configuration
from trainables.engine.assemble import module_of, ports_of
from trainables.engine.training import Result
from trainables.models.batch import Model
from trainables.networks.base import Network
from trainables.randomness.streams import stream
from trainables.saved_models import given
from trainables.saved_models.given import Values
from trainables.saved_models.record import Record
from trainables.saved_models.weights import Weights, measured

POINTS = 256
"""Points that go through the networks at once."""


@final
class TrainedModel(nn.Module):
    """The model of one run. Its networks, such as `encoder`, `decoder` and `critic`, are its modules: those that the system has.

    Each network takes what its system's form says, flattened: an implicit decoder z and noise, an explicit encoder x, and gives
    then means and log-variances. `sample`, `encode` and `reconstruct` do that for every system, without gradients; `functions` is
    the same with gradients, and densities. None of them reads the data's files, but where codes are points of a second domain.

    Args:
        record: of which run it is.
        weights: by name.

    Attributes:
        record: as given.
        data: the data set that it was trained on, by its name; its points are read when they are asked for.
        form: networks, players and noise of its system.

    Raises:
        ValueError: its algorithm, data set or networks are not here, are of another version, or the weights are not theirs.
    """

    def __init__(self, record: Record, weights: Weights) -> None:
        super().__init__()
        algorithm, configuration = record.run["algorithm"], Configuration(**record.run["configuration"])
        objective = objectives.find(algorithm)
        if objective.version != record.version:
            raise ValueError(f"a model of {algorithm} must be of version {objective.version}, which is here, got version "
                             f"{record.version}; use commit {record.commit}, at which it was trained")  # fmt: skip
        self.record = record
        self.data = datasets.sized(record.run["data"], configuration.z_dim)
        self.form = objective.form.among(self.data)
        for name in self.form.networks:
            if name not in self.data.known:
                ports = ports_of(self.form, name, self.data)
                network: Network = configuration.part(ports.role)
                self.add_module(name, module_of(network, ports))
        places = dict(self._places())
        shapes, theirs = ({n: tuple(v.shape) for n, v in of.items()} for of in (places, weights))
        if shapes != theirs:
            name = next(n for n in sorted({*shapes, *theirs}) if shapes.get(n) != theirs.get(n))
            raise ValueError(f"weights must be those of {algorithm}'s networks, but {name} must have the shape {shapes.get(name)}, got "
                             f"{theirs.get(name)}; use commit {record.commit}, at which it was trained")  # fmt: skip
        with torch.no_grad():
            for name, place in places.items():
                place.copy_(weights[name])
        self.eval()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[bytes]]:
        from trainables.saved_models import files

        return files.unpack, (files.pack(self),)

    @property
    def weights(self) -> dict[str, Tensor]:
        """Name -> parameter or buffer, a copy on the CPU."""
        return {name: place.detach().cpu().clone().contiguous() for name, place in self._places()}

    @property
    def device(self) -> torch.device:
        """The device that its networks are on."""
        return next(self.parameters()).device

    def forward(self, z: Tensor, xi: Tensor | None = None) -> Tensor:
        """Points [n, x_dim] at codes z [n, z_dim] of a system without labels, with gradients; ξ is 0 where it is left out."""
        noise = torch.zeros(len(z), self._noise_dim("xi"), device=z.device) if xi is None else xi
        return self.functions().decode(z, noise)

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0, labels: Values | None = None) -> Tensor:
        """n points that it generates, [n, *shape of a point]; of a known decoder codes, which are draws of the posterior.

        The first ones stay the same when there are more of them. Codes of data of two domains are test points of the second.

        Args:
            n: number of points.
            seed: of the noise; equal seeds, equal points.
            labels: class of each point, or one-hot [n, classes], of a system that takes them; all in turn where left out.

        Raises:
            ValueError: the system has no decoder, labels are given and it takes none, or they do not fit.
        """
        if "decoder" in self.data.known:
            return self.encode(self.data.test[torch.arange(n) % len(self.data.test), : self.data.x_dim], seed)
        self._must_have("decoder")
        takes = "y" in self.form.networks["decoder"].inputs
        if takes and labels is None:
            labels = torch.arange(n) % self.data.classes
        y, noise = self._labels(labels, n, takes), self._noise(n, seed, "xi")
        return self._shaped(
            self._in_parts(lambda model, z, xi: model.decode(z, xi), y, self._codes(n, seed), noise)
        )

    @torch.no_grad()
    def encode(self, x: Values, seed: int = 0, labels: Values | None = None) -> Tensor:
        """A code of each point, [n, z_dim]: of an encoder with noise or a density, a draw.

        Args:
            x: points, [n, *shape of a point] or [n, x_dim].
            seed: of the noise.
            labels: as of `sample`; of a system with a classifier its own where left out.

        Raises:
            ValueError: the system has no encoder, points or labels do not fit, or it takes labels and none are given.
        """
        self._must_have("encoder")
        x = self._points(x)
        y = self._labels_of(x, labels)
        return self._in_parts(
            lambda model, x, epsilon: model.encode(x, epsilon), y, x, self._noise(len(x), seed, "epsilon")
        )

    @torch.no_grad()
    def reconstruct(self, x: Values, seed: int = 0, labels: Values | None = None) -> Tensor:
        """Each point as it is decoded from a code of it, shaped as a point: the mean of a decoder that has a density.

        Args, Raises: as of `encode`; and ValueError where it has no decoder.
        """
        self._must_have("encoder")
        if "decoder" not in self.data.known:
            self._must_have("decoder")
        x = self._points(x)
        y, noise = self._labels_of(x, labels), self._noise(len(x), seed, "xi")
        return self._shaped(
            self._in_parts(lambda model, z, xi: model.mean_of_x(z, xi), y, self.encode(x, seed, y), noise)
        )

    def functions(self, labels: Tensor | None = None) -> Model:
        """The model as objectives and metrics see it, with gradients: `decode(z, xi)`, `log_p(x, z)`, `log_q(z, x)` and the like.

        labels: one-hot [n, classes], of a system that takes them.
        """
        return Model({**dict(self.named_children()), **self.data.known}, self.form, self.data, y=labels)

    def measure(self, device: str = "cpu") -> Result:
        """Metrics, samples and pictures of the evaluation that its row was made by, with the same noise and the same test points.

        On the kind of processor on which it was trained, and with the same versions, they are equal to the row's to the bit.

        Raises:
            ValueError: its data are not here, or others.
        """
        datasets.check(self.data.name)
        if self.data.version != self.record.data_version:
            raise ValueError(f"a model must be measured on {self.record.data_version}, on which it was trained, but {self.data.version} is "
                             f"here; use commit {self.record.commit}, and for images the files of then")  # fmt: skip
        return measured(self.record, self.weights, device)

    def _places(self) -> list[tuple[str, Tensor]]:
        return [*self.named_parameters(), *self.named_buffers()]

    def _must_have(self, network: str) -> None:
        if network not in self.form.networks:
            raise ValueError(
                f"the system must have the network {network} for that, got {self.record.run['algorithm']}, which has {', '.join(self.form.networks)}"
            )

    def _labels_of(self, x: Tensor, labels: Values | None) -> Tensor | None:
        """Labels of points, by the classifier where it has one and they are left out."""
        takes = any(
            "y" in self.form.networks[n].inputs for n in ("encoder", "decoder") if n in self.form.networks
        )
        if takes and labels is None and "classifier" in self.form.networks:
            labels = self._in_parts(lambda model, x: model.log_class(x), None, x).argmax(-1)
        return self._labels(labels, len(x), takes)

    def _labels(self, labels: Values | None, n: int, takes: bool) -> Tensor | None:
        algorithm = self.record.run["algorithm"]
        if takes:
            if labels is None:
                raise ValueError(
                    f"{algorithm} takes the label of each point, got none; give labels, {n} classes below {self.data.classes}"
                )
            return given.one_hot_labels(labels, n, self.data.classes, self.device)
        if labels is not None:
            raise ValueError(f"labels must be left out of {algorithm}, which takes none")
        return None

    def _points(self, x: Values) -> Tensor:
        return given.flat_points(x, self.data, self.device)

    def _shaped(self, x: Tensor) -> Tensor:
        return x.unflatten(1, self.data.shape) if torch.Size(self.data.shape).numel() == x.shape[1] else x

    def _noise_dim(self, piece: str) -> int:
        return self.form.dims(self.data).get(piece, self.data.noise_dim)

    def _noise(self, n: int, seed: int, piece: str) -> Tensor:
        draw = stream("trained model", seed, piece)
        normal = draw.standard_normal((n, self._noise_dim(piece)), dtype="float32")
        return torch.from_numpy(normal).to(self.device)

    def _codes(self, n: int, seed: int) -> Tensor:
        if (other := self.data.other) is None:
            return self._noise(n, seed, "z")
        numbers = torch.from_numpy(stream("trained model", seed, "z").integers(len(other.test), size=n))
        return other.test[numbers, : other.x_dim].to(self.device)

    def _in_parts(self, function: Callable[..., Tensor], y: Tensor | None, *values: Tensor) -> Tensor:
        """`function(model, *values)` of a part of the points after the other."""
        every = [value.split(POINTS) for value in (*values, *([] if y is None else [y]))]
        found = []
        for part in zip(*every, strict=True):
            *inputs, labels = part if y is not None else (*part, None)
            found.append(function(self.functions(labels), *inputs))
        return torch.cat(found)
