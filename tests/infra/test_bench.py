"""The benchmark's workload, table and command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.benchmarks import __main__ as bench
from infra.benchmarks import ray_contenders, scale, table, tune_trials
from infra.benchmarks.measurements import Measurement, typical
from infra.benchmarks.workload import FUSIBLE, MIX, MIX_STRUCTURES, WIDTHS, cohort, sample, structure
from sweeps.toy_robustness import STUDY

ROOT = Path(__file__).parents[2]
BEYOND_TORCH_AND_NUMPY = (
    "ray",
    "mlflow",
    "optuna",
    "pyarrow",
    "tyro",
    "rich",
    "pandas",
    "scipy",
    "matplotlib",
)


def test_mix_is_part_of_the_study() -> None:
    declared = {run.key for run in STUDY.runs(STUDY.preset("embedded"))}
    mix = {run.key for shape in MIX_STRUCTURES for run in cohort(shape)}
    assert len(mix) == 216
    assert mix <= declared


@pytest.mark.parametrize("width", WIDTHS)
def test_cohort_has_one_structure_and_no_run_twice(width: int) -> None:
    runs = cohort(structure(width), 60)
    assert len({run.key for run in runs}) == 60
    assert {run.configuration.structure for run in runs} == {runs[0].configuration.structure}
    assert {run.configuration.width for run in runs} == {width}


@pytest.mark.parametrize("count", [2, 4, 6])
def test_sample_meets_both_algorithms_and_dropout(count: int) -> None:
    runs = sample(cohort(structure(32)), count)
    assert len(runs) == count
    assert sum(run.algorithm == "alice" for run in runs) == count / 2
    assert sum(run.configuration.critic_dropout > 0 for run in runs) == count / 2


def test_single_trials_of_the_mix_meet_both_algorithms_and_dropout() -> None:
    chosen = [cohort(structure(32))[place] for place in ray_contenders.PLACES]
    assert {run.algorithm for run in chosen} == {"svae_r", "alice"}
    assert {run.configuration.critic_dropout for run in chosen} == {0.0, 0.2}


def test_cores_are_timed_from_the_end_of_what_leads_in() -> None:
    # Two cores: one from 10 to 40 s, one from 12 to 50 s: (30 + 38) / 2.
    assert tune_trials.busy_seconds([10.0, 12.0, 30.0, 50.0, 40.0], cores=2) == pytest.approx(34.0)


def measurement(contender: str, scope: str, seconds: float, flops: float, repetition: int = 1) -> Measurement:
    return Measurement(contender, scope, repetition, 4, 20, seconds, 0.01, flops)


def test_table_holds_medians_ratios_and_what_is_not_measured() -> None:
    chosen = scale.quick(scale.on_cpu(2))
    measured = [
        # Medians: 0.2 s and 4 s, 20 ×; shares 30/50, 24/60 and 45/50: 60 %.
        *(measurement("engine", "32", s, f, r) for s, f, r in ((0.1, 3e10, 1), (0.2, 2.4e10, 2), (0.3, 4.5e10, 3))),
        *(measurement("product", "32", 0.0, f, r) for f, r in ((5e10, 1), (6e10, 2), (5e10, 3))),
        *(measurement("alone", "32", s, 1e9, r) for s, r in ((1.0, 1), (4.0, 2), (9.0, 3))),
        measurement("engine", MIX, 0.5, 2e10),
    ]  # fmt: skip
    machine = {"processor": "P", "cores": 2, "device": "cpu", "torch": "2", "ray": "2", "commit": "c"}
    rows = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]]
        for line in table.markdown(measured, chosen, machine, with_ray=False).splitlines()
        if line.startswith("|")
    }
    assert rows["one run at a time, eager PyTorch"] == ["4 (20.0)", "not measured"]
    assert rows["plain Ray Tune: one run per trial"] == ["not measured", "not measured"]
    assert rows["this project"] == ["0.2", "0.5"]
    assert rows["this project's share of it"] == ["60%", ""]
    assert typical(measured, "alone", "64", "flops") is None


def test_page_keeps_what_is_outside_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(f"# Before\n{bench.MARKS[0]}\nold\n{bench.MARKS[1]}\nafter\n")
    bench.write(page, "new", bench.MARKS)
    assert page.read_text() == f"# Before\n{bench.MARKS[0]}\nnew\n{bench.MARKS[1]}\nafter\n"


def test_page_that_cannot_take_the_table_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("# No markers\n")
    for output, words in (
        (tmp_path / "none" / "b.md", "--output must be in a folder that is there"),
        (page, "--output must have the lines"),
    ):
        with pytest.raises(SystemExit, match="2"):
            bench.parse(["--output", str(output)])
        assert words in capsys.readouterr().err


def test_cuda_is_refused_where_torch_sees_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench.torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="2"):
        bench.parse(["--device", "cuda"])
    assert "--device must be one that torch sees, got cuda; try cpu" in capsys.readouterr().err


def test_gpu_has_more_of_everything_at_once() -> None:
    gpu = scale.on_gpu(16)
    assert (gpu.packed, gpu.members, gpu.widths) == (16, 576, WIDTHS)
    assert gpu.members % len(FUSIBLE) == 0


def test_quick_bench_runs_with_torch_and_numpy_alone(tmp_path: Path) -> None:
    blocked = "import sys\n" + "".join(f"sys.modules[{name!r}] = None\n" for name in BEYOND_TORCH_AND_NUMPY)
    (tmp_path / "sitecustomize.py").write_text(blocked)  # its child processes load it too
    output = tmp_path / "benchmarks.md"
    command = [sys.executable, "-m", "infra.benchmarks", "--quick", "--output", str(output)]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in output.read_text()
    record = json.loads(output.with_suffix(".json").read_text())
    contenders = {(m["contender"], m["scope"]) for m in record["measurements"]}
    without_ray = {"alone", "packed", "stacked", "engine"}
    assert contenders == {(c, s) for c in without_ray for s in ("32", MIX)} | {("product", "32")}
    assert all(m["seconds_per_run"] > 0 for m in record["measurements"] if m["contender"] != "product")


@pytest.mark.slow
def test_quick_bench_measures_ray_tune_too(capsys: pytest.CaptureFixture[str]) -> None:
    bench.main(["--quick"])
    assert "not measured" not in capsys.readouterr().out
