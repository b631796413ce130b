"""Replays a function of tensors as one CUDA graph: one launch instead of thousands, and nothing waits for the host.

Source: docs.pytorch.org, "CUDA Graphs": static inputs and outputs, warm-up on a side stream, capture, replay.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

WARM_UP = 3
"""Calls that run before the capture: libraries set themselves up, and allocate, at their first ones."""


class Replayed:
    """A function of tensors that is captured once and then replayed; where there is no CUDA, it is called.

    The function must do the same operations on the same addresses every time: what it reads are its arguments,
    which are copied to buffers that stay, and tensors that stay where they are, which it may change in place.
    The first calls and the captured one take effect once each, like every other.

    Args:
        device: of every tensor.

    Attributes:
        graph: what is replayed; None before it is captured, and where there is no CUDA.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.inputs: tuple[Tensor, ...] = ()
        self.graph: torch.cuda.CUDAGraph | None = None
        self._side: torch.cuda.Stream | None = None
        self._calls = 0
        self._output = torch.empty(0)

    def __call__(self, function: Callable[..., Tensor], *arguments: Tensor) -> Tensor:
        """`function(*arguments)`; the result is overwritten by the next call.

        Args:
            function: the same one at every call; not kept, so that who holds this may be held by it.
            arguments: of the same shapes at every call.
        """
        if not self.inputs:
            self.inputs = tuple(torch.empty_like(argument) for argument in arguments)
        for static, argument in zip(self.inputs, arguments, strict=True):
            static.copy_(argument)
        if self.device.type != "cuda":
            return function(*self.inputs)
        with torch.cuda.device(self.device):
            if self._calls < WARM_UP:
                self._output = self._on_side_stream(function)
            else:
                if self.graph is None:
                    self.graph = self._captured(function)
                self.graph.replay()
        self._calls += 1
        return self._output

    def _on_side_stream(self, function: Callable[..., Tensor]) -> Tensor:
        here = torch.cuda.current_stream()
        self._side = self._side or torch.cuda.Stream()
        self._side.wait_stream(here)
        with torch.cuda.stream(self._side):
            output = function(*self.inputs)
        here.wait_stream(self._side)
        output.record_stream(here)
        return output

    def _captured(self, function: Callable[..., Tensor]) -> torch.cuda.CUDAGraph:
        """Records the function's operations, without running them; its output is where a replay writes."""
        graph = torch.cuda.CUDAGraph()
        # Other trials' threads may use CUDA meanwhile: what they do is not this graph's.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self._output = function(*self.inputs)
        return graph
