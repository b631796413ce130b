"""What is needed to run a study anywhere is in the wheel."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from result_reading import read_runs
from tests.infra.installed import ROOT, environment, outside_environment


def test_wheel_has_every_module_and_the_sources_of_the_kernels(wheel: Path) -> None:
    packaged = set(zipfile.ZipFile(wheel).namelist())
    wanted = [*ROOT.glob("*.py")]
    for package in ("trainables", "sweeps", "analysis", "infra"):
        wanted += [path for kind in ("*.py", "*.cpp", "*.h") for path in (ROOT / package).rglob(kind)]
    assert len(wanted) > 100
    assert {str(path.relative_to(ROOT)) for path in wanted} <= packaged
    assert not any(name.startswith("tests/") for name in packaged)


@pytest.mark.slow
def test_installed_study_runs_in_an_empty_directory_with_native_kernels(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv")
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    empty = tmp_path / "empty"
    empty.mkdir()
    script = "import trainables.engine.native.build as n, sweeps.toy_robustness as t; print(n.__file__); print(n.kernels()); print(t.__file__)"
    variables = {**outside_environment(), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    found = subprocess.run(
        [str(python), "-c", script], cwd=empty, env=variables, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert all(str(tmp_path) in line for line in found)
    arguments = ["--preset", "smoke", "--limit", "2", "--iterations", "20"]
    done = subprocess.run(
        [str(python), found[2], *arguments],
        cwd=empty,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "native kernels are not used" not in done.stdout + done.stderr
    rows = read_runs(str(empty / "results" / "toy_robustness"))
    assert rows["outcome"].to_pylist() == ["COMPLETED"] * 4
    assert (empty / "results" / "toy_robustness" / "report" / "report.html").is_file()
    assert (empty / "mlflow.db").is_file()
