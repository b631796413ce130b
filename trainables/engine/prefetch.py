"""The blocks of a cohort, the next one drawn while this one trains."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from trainables.engine.blocks import Block
from trainables.runs import Run


class Blocks:
    """Blocks of random inputs on the CPU, one after the other.

    Args:
        runs: the cohort's members.
        ahead: draw the next block in a thread: worth it where the CPU is idle while a GPU trains.
    """

    def __init__(self, runs: Sequence[Run], ahead: bool) -> None:
        self.runs = runs
        self._executor = ThreadPoolExecutor(1, "blocks") if ahead else None
        self._next: tuple[int, Future[Block]] | None = None

    def take(self, number: int, last: bool) -> Block:
        """The block of a number; unless it is the last one, the one after it begins to be drawn."""
        expected, drawn = self._next or (None, None)
        block = drawn.result() if drawn and expected == number else self._draw(number)
        self._next = None
        if self._executor and not last:
            self._next = number + 1, self._executor.submit(self._draw, number + 1)
        return block

    def _draw(self, number: int) -> Block:
        return Block(self.runs, number, torch.device("cpu"))
