"""Features by a network of somebody's own: a TorchScript file, such as Inception with its weights."""

from __future__ import annotations

import functools
import hashlib
import warnings
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor

from trainables.recognition.base import Recogniser
from trainables.recognition.network import Shape


@final
class Scripted(Recogniser):
    """Features of a file's network, which maps images [n, c, h, w] in [0, 1] to features [n, d], or to these and logits
    [n, classes]; classes are those of the data's own classifier where it gives no logits.

    Args:
        path: of the file.
        shape: of an image.
        classes: of the data, 0 for none.
        classifier: the data's own, or None.

    Raises:
        ValueError: it is no such file, or gives something else; in one line.
    """

    def __init__(self, path: Path, shape: Shape, classes: int, classifier: Recogniser | None) -> None:
        self.path, self.shape, self.classes, self.classifier = path, shape, classes, classifier
        self.words = f"{path.name}, SHA-256 {_digest(path)}"
        by_itself = self.recognise(torch.zeros(2, shape[0] * shape[1] * shape[2]))[1].shape[1]
        if classifier is not None and not self._scores:
            self.words += f"; classes by the {classifier.words}"
        if by_itself != classes:
            raise self._misfit(f"logits of {classes} classes", f"{by_itself}")

    @functools.cached_property
    def _scores(self) -> bool:
        """Whether the network gives logits, too."""
        return isinstance(self._output(torch.zeros(2, *self.shape)), tuple)

    def recognise(self, x: Tensor) -> tuple[Tensor, Tensor]:
        output = self._output(x.unflatten(-1, self.shape))
        features, *more = output if isinstance(output, tuple) else (output,)
        for values in (features, *more):
            if not isinstance(values, Tensor) or values.ndim != 2 or len(values) != len(x):
                got = f"shape {list(values.shape)}" if isinstance(values, Tensor) else type(values).__name__
                raise self._misfit(f"[{len(x)}, d] of as many images", got)
        if more:
            return features, more[0]
        return features, self.classifier.recognise(x)[1] if self.classifier else x.new_zeros(len(x), 0)

    def _output(self, images: Tensor) -> Any:
        try:
            with torch.no_grad():
                return _loaded(self.path, images.device)(images)
        except (RuntimeError, torch.jit.Error) as error:
            reason = str(error).strip().splitlines()[-1][:200]
            raise self._misfit("features of them", reason) from error

    def _misfit(self, rule: str, got: str) -> ValueError:
        shape = ", ".join(map(str, self.shape))
        return ValueError(f"--features must name a TorchScript file that maps images [n, {shape}] to {rule}, but {self.path} gave "
                          f"{got}; script another network, such as one that resizes its images first")  # fmt: skip


@functools.cache
def scripted(path: Path, shape: Shape, classes: int, classifier: Recogniser | None) -> Scripted:
    """The recogniser by a file, one in a process. Raises ValueError as `Scripted`."""
    return Scripted(path, shape, classes, classifier)


@functools.cache
def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise ValueError(
            f"--features must name a TorchScript file that can be read, got {path} ({error.strerror or error}); write one by "
            "torch.jit.script(network).save(FILE)"
        ) from error


@functools.cache
def _loaded(path: Path, device: torch.device) -> Any:
    try:
        with torch.inference_mode(False), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return torch.jit.load(str(path), map_location=device).eval()
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"--features must name a TorchScript file, got {path}; write one by torch.jit.script(network).save(FILE)") from error  # fmt: skip
