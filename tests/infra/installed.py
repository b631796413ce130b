"""The project as others install it: a wheel, in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("trainables", "sweeps", "analysis", "infra", "*.py", "pyproject.toml", "README.md", "LICENSE")


def build_wheel(where: Path) -> Path:
    """The wheel, built from a copy: what earlier builds left in the checkout is not in it."""
    copy = where / "source"
    copy.mkdir()
    for path in (path for name in SOURCES for path in ROOT.glob(name)):
        if path.is_dir():
            shutil.copytree(path, copy / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, copy)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(where),
        str(copy),
    ]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return next(where.glob("*.whl"))


def environment(where: Path) -> Path:
    """A virtual environment with the packages of this one, but not the project; returns its interpreter.

    A `.pth` inside a folder that a `.pth` names is not read: the editable install of the checkout stays out.
    """
    subprocess.run([sys.executable, "-m", "venv", str(where)], check=True)
    python = where / "bin" / "python"
    folder = next(where.glob("lib/python*/site-packages"))
    (folder / "here.pth").write_text(sysconfig.get_path("purelib") + "\n")
    script = (Path(sysconfig.get_path("scripts")) / "ray").read_text()
    ray = where / "bin" / "ray"
    ray.write_text("\n".join([f"#!{python}", *script.splitlines()[1:]]) + "\n")
    ray.chmod(0o755)
    return python


def outside_environment() -> dict[str, str]:
    """Variables of this process without those by which Python or Ray would find the checkout or a cluster."""
    dropped = ("PYTHONPATH", "VIRTUAL_ENV", "RAY_ADDRESS", "MLFLOW_TRACKING_URI")
    return {name: value for name, value in os.environ.items() if name not in dropped}
