"""Members that fit in memory: measured on a GPU, left alone on a CPU."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.trainables.factory import run
from trainables.engine import cost
from trainables.engine.machine import host, memory
from trainables.engine.training import Training

RUNS = [run(seed=n, budget=100) for n in range(memory.PROBE + 4)]


class FakeCuda:
    """40 MB free of 100 MB; a probe's peak is 16 MB above the 5 MB there were."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, free: int = 40_000_000) -> None:
        self.began: list[tuple[int, int]] = []
        values = {
            "mem_get_info": (free, 100_000_000), "memory_allocated": 5_000_000, "max_memory_allocated": 21_000_000,
            "reset_peak_memory_stats": None,
        }  # fmt: skip
        for name, value in values.items():
            monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)
        monkeypatch.setattr(torch.cuda, "init", lambda: None)
        began = self.began

        class Probe(Training):
            def __init__(self, runs: list[object], device: str) -> None:
                began.append((len(runs), runs[0].budget))  # type: ignore[attr-defined]

            def advance(self) -> None:
                pass

        self.probe = Probe
        monkeypatch.setattr(memory, "Training", Probe)


def test_members_on_a_gpu_are_those_that_its_measured_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(monkeypatch)
    # 16 MB for 16 members is 1 MB each; 0.8 · 40 MB hold 32, 0.8 · a quarter of 100 MB hold 20.
    assert memory.fitting(RUNS, "cuda", share=1.0) == 32
    assert memory.fitting(RUNS, "cuda", share=0.25) == 20
    assert cuda.began == [(16, 20)] * 2  # one block, with its evaluation


def test_members_on_a_gpu_are_estimated_where_the_probe_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(monkeypatch, free=1000)

    def advance(self: Training) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(cuda.probe, "advance", advance)
    assert memory.bytes_per_member(RUNS, "cuda") == cost.bytes_per_member(RUNS[0])
    assert memory.fitting(RUNS, "cuda", share=1.0) == 1  # never none


def test_other_errors_of_a_probe_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(monkeypatch)

    def advance(self: Training) -> None:
        raise RuntimeError("device-side assert triggered")

    monkeypatch.setattr(cuda.probe, "advance", advance)
    with pytest.raises(RuntimeError, match="device-side assert"):
        memory.fitting(RUNS, "cuda", share=1.0)


IMAGES = [
    replace(one, data="digits_grey", configuration=one.configuration.changed(encoder="as_vae"))
    for one in RUNS
]


def test_members_one_after_another_on_a_cpu_are_those_that_its_memory_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    probe = FakeCuda(monkeypatch).began
    monkeypatch.setattr(memory, "LARGE", 0)
    monkeypatch.setattr(cost, "bytes_per_member", lambda run: 10_000_000)
    monkeypatch.setattr(host, "available", lambda: 200_000_000)

    class Peak:
        bytes = 70_000_000

        def __enter__(self) -> Peak:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(host, "Peak", Peak)
    # One takes 70 MB, a further one 10; 0.8 · 200 MB hold 10 of them, 0.8 · a quarter none, and one is tried all the same.
    assert memory.fitting(IMAGES, "cpu", share=1.0) == 10
    assert memory.fitting(IMAGES, "cpu", share=0.25) == 1
    assert probe == [(1, 20)] * 2
    monkeypatch.setattr(host, "available", lambda: 0)  # not known
    assert memory.fitting(IMAGES, "cpu", share=1.0) == len(IMAGES)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
def test_peak_is_what_was_held_at_once() -> None:
    with host.Peak() as peak:
        for _ in range(2):
            held = bytearray(64 << 20)
            held[::4096] = b"x" * len(held[::4096])
            del held
    assert 60 << 20 < peak.bytes < 110 << 20
    assert host.available() > 0


def test_nothing_is_measured_of_fused_members_on_a_cpu_nor_of_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(monkeypatch)
    assert memory.fitting(RUNS, "cpu", share=1.0) == len(RUNS)
    assert memory.fitting(RUNS[:5], "cuda", share=1.0) == 5
    assert cuda.began == []


def test_collector_spares_what_is_loaded_and_takes_what_comes_after_it() -> None:
    gc.unfreeze()
    memory.keep_loaded.cache_clear()
    memory.keep_loaded()
    spared = gc.get_freeze_count()
    assert spared > 100_000  # torch alone
    cohort: list[object] = []
    cohort.append(cohort)
    del cohort
    memory.keep_loaded()  # of the next trial
    assert gc.get_freeze_count() == spared
    assert gc.collect() >= 1


@pytest.mark.gpu
def test_measured_memory_is_enough_and_a_limit_on_it_is_out_of_memory(tmp_path: Path) -> None:
    many = [run(seed=n, budget=20, width=128, batch_size=128, critic_dropout=0.2) for n in range(128)]
    each = memory.bytes_per_member(many, "cuda")
    torch.cuda.reset_peak_memory_stats()
    Training(many, "cuda").advance()
    peak = torch.cuda.max_memory_allocated()
    memory.release()
    assert peak <= each * len(many) / memory.HEADROOM
    try:
        limit = (torch.cuda.memory_reserved() + peak / 2) / torch.cuda.mem_get_info()[1]
        torch.cuda.set_per_process_memory_fraction(limit)
        with pytest.raises(RuntimeError) as raised:
            Training(many, "cuda").advance()
        assert memory.exhausted(raised.value)
        memory.release()
        Training(many[:4], "cuda").advance()  # and the device is as good as before
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
