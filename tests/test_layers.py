"""Imports run one way: infra → sweeps → trainables; analysis stands alone; adapters at the edge."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = {"command_output", "result_digests", "result_files", "result_schema"}
LAYERS = {
    "trainables": {"trainables"},
    "sweeps": {"sweeps", "trainables", *SHARED},
    "analysis": {"analysis", *SHARED},
    "infra": {"infra", "sweeps", "trainables", "analysis", *SHARED},
}
OURS = {*LAYERS, *SHARED, "tests"}
ADAPTERS = {
    "ray": {"trainables/ray_adapter.py", "sweeps/cluster.py", "sweeps/execution.py", "sweeps/lost.py", "sweeps/progress.py",
            "sweeps/trial.py"},
    "mlflow": {"sweeps/mlflow_store.py"},
    "optuna": {"sweeps/optuna_mirror.py", "sweeps/optuna_search.py", "analysis/importance.py"},
}  # fmt: skip
FILES = [p for package in LAYERS for p in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Top-level names that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; name the package"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    assert imported(path) & OURS <= LAYERS[package]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_ray_mlflow_and_optuna_stay_at_the_edge(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    if name.startswith("infra/"):
        return
    for library, allowed in ADAPTERS.items():
        assert library not in imported(path) or name in allowed, f"{name} imports {library}"


@pytest.mark.parametrize("path", sorted((ROOT / "analysis").rglob("*.py")), ids=lambda p: p.name)
def test_analysis_knows_no_torch(path: Path) -> None:
    assert "torch" not in imported(path)


def test_no_script_is_named_as_an_importable_package() -> None:
    # A script's own folder is first on sys.path: sweeps/queue.py would hide the standard library's.
    import sys
    from importlib.metadata import packages_distributions

    taken = set(sys.stdlib_module_names) | set(packages_distributions()) - OURS
    for path in FILES:
        if path.stem != "__init__":
            assert path.stem not in taken, path
