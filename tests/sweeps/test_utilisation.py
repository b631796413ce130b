"""Utilisation of a machine while a cohort trains, by readings that are made."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch

from result_schema import UTILISATION
from sweeps.execution.machine import utilisation
from sweeps.execution.machine.utilisation import CPU, GPU, GPU_MEMORY, MEMORY, Utilisation


def test_columns_are_what_is_read() -> None:
    assert UTILISATION == (CPU, MEMORY, GPU, GPU_MEMORY)
    assert GPU.startswith("gpu_utilization")


def test_means_weigh_a_reading_by_the_time_since_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(
        [0.0, 6.0, 6.0, 8.0, 8.0]
    )  # made; looked, also as the time of the next; at the end 2 s later
    readings = iter([0.0, 50.0, 90.0])
    monkeypatch.setattr(utilisation.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(utilisation, "processors", lambda: lambda: {CPU: next(readings)})
    meter = Utilisation("cpu")
    assert meter.means == {}
    meter.look()
    meter.look()  # not due, and not read
    meter.look(last=True)
    assert meter.means == {CPU: (6 * 50.0 + 2 * 90.0) / 8}


def test_a_short_cohort_has_one_reading_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utilisation, "processors", lambda: lambda: {CPU: 40.0, MEMORY: 7.0})
    meter = Utilisation("cpu")
    meter.look()
    assert meter.means == {}
    meter.look(last=True)
    assert meter.means == pytest.approx({CPU: 40.0, MEMORY: 7.0})
    meter.begin()
    assert meter.means == {}


def test_this_machine_tells_its_processors_and_memory() -> None:
    import ray  # noqa: F401 - brings psutil

    meter = Utilisation("cpu")
    meter.look(last=True)
    assert meter.means[MEMORY] > 1.0
    assert 0.0 <= meter.means[CPU] <= 100.0
    assert GPU not in meter.means


def test_a_gpu_tells_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int) -> None:
        raise ValueError("not supported")

    nvml = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID={"GPU-abc": 7}.__getitem__,
        nvmlDeviceGetUtilizationRates={7: SimpleNamespace(gpu=61)}.__getitem__,
        nvmlDeviceGetMemoryInfo={7: SimpleNamespace(used=2_000_000)}.__getitem__,
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: SimpleNamespace(uuid="abc"))
    reading = utilisation.gpu("cuda")
    assert reading is not None
    assert reading() == {GPU: 61.0, GPU_MEMORY: 2.0}
    nvml.nvmlDeviceGetUtilizationRates = refuse  # as of a part of a GPU
    assert reading() == {GPU_MEMORY: 2.0}
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert utilisation.gpu("cuda") is None
    assert utilisation.gpu("cpu") is None
