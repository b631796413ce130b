"""Power of a trial's part of its device, by counters that are made."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from sweeps.execution.machine import power


def zone(folder: Path, name: str, label: str, used: int, most: int = 1_000_000_000) -> Path:
    """A counter of powercap, in microjoules."""
    made = folder / name
    made.mkdir(parents=True)
    (made / "name").write_text(f"{label}\n")
    (made / "energy_uj").write_text(f"{used}\n")
    (made / "max_energy_range_uj").write_text(f"{most}\n")
    return made


def test_packages_are_added_up_without_their_parts(tmp_path: Path) -> None:
    first = zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    second = zone(tmp_path, "intel-rapl:1", "package-1", 7_000_000)
    part = zone(tmp_path, "intel-rapl:0:0", "core", 1_000_000)
    platform = zone(tmp_path, "intel-rapl:2", "psys", 1_000_000)
    joules = power.packages(tmp_path)
    assert joules is not None
    for made, used in ((first, 6_000_000), (second, 9_500_000), (part, 9_000_000), (platform, 9_000_000)):
        (made / "energy_uj").write_text(str(used))
    assert joules() == 3.5  # 1 J of the first package and 2.5 J of the second
    assert joules() == 0.0


def test_a_counter_that_starts_anew_goes_on_from_its_range(tmp_path: Path) -> None:
    made = zone(tmp_path, "intel-rapl:0", "package-0", 990_000_000)
    joules = power.packages(tmp_path)
    assert joules is not None
    (made / "energy_uj").write_text("20000000")
    assert joules() == 30.0  # 10 J up to 1,000 J, 20 J from there


def test_energy_that_cannot_be_read_is_unknown_and_not_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert power.packages(tmp_path / "none") is None
    made = zone(tmp_path, "intel-rapl:0", "package-0", 1)
    joules = power.packages(tmp_path)
    assert joules is not None
    (made / "energy_uj").unlink()
    assert joules() is None
    monkeypatch.setattr(power, "packages", lambda: None)
    meter = power.Meter("cpu", None)
    meter.look(last=True)
    assert (meter.share, meter.watts) == (1.0, None)


def test_a_meter_has_the_share_of_a_core_or_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1_000, 10))
    monkeypatch.setattr(power.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(power, "packages", lambda: lambda: 800.0)
    core = power.Meter("cpu", None)
    core.look()  # 800 J in 10 s: 80 W, of which one of four cores has 20 W
    assert core.watts == 20.0
    core.begin()
    assert core.watts is None  # nothing is measured yet
    monkeypatch.setattr(power, "gpu", lambda device: lambda: 3_000.0)
    part = power.Meter("cuda", 0.25)
    part.look()
    assert (part.share, part.watts) == (0.25, 75.0)  # a quarter of 300 W


def test_one_reading_that_fails_makes_the_power_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([0.0, 5.0, None, 5.0])
    monkeypatch.setattr(power, "packages", lambda: lambda: next(readings))
    meter = power.Meter("cpu", None)
    for _ in range(3):
        meter.look(last=True)
    assert meter.watts is None


def test_a_gpu_is_found_by_its_uuid_and_told_in_joules(monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter([10_000, 10_500])
    nvml = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID={"GPU-abc": 7}.__getitem__,
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: next(used) if handle == 7 else None,
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: SimpleNamespace(uuid="abc"))
    joules = power.gpu("cuda")
    assert joules is not None
    assert joules() == 0.5  # 500 mJ
    assert joules() is None  # there is no further reading


def test_a_gpu_without_nvml_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert power.gpu("cuda") is None
