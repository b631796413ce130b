"""Imports run one way: infra → sweeps → trainables; analysis stands alone; inside each floor upon floor; adapters at the edge."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = {
    "command_output",
    "part_registry",
    "result_colours",
    "result_digests",
    "result_files",
    "result_folded",
    "result_manifest",
    "result_metrics",
    "result_mosaics",
    "result_names",
    "result_pictures",
    "result_prices",
    "result_progress",
    "result_published",
    "result_reading",
    "result_schema",
}
LAYERS = {
    "trainables": {"trainables", "part_registry", "result_metrics", "result_names"},
    "sweeps": {"sweeps", "trainables", *SHARED},
    "analysis": {"analysis", *SHARED},
    "infra": {"infra", "sweeps", "trainables", "analysis", *SHARED},
}
FLOORS = {
    "trainables": [
        {"parameters", "iterations", "randomness", "cache", "named_paths"},
        {"networks", "optimisers"},
        {"recognition"},
        {"datasets"},
        {"models"},
        {"estimators"},
        {"metrics"},
        {"objectives"},
        {"configurations"},
        {"runs"},
        {"engine"},
        {"ray_adapter", "saved_models", "testing"},
    ],
    "sweeps": [
        {"console"},
        {"study", "store"},
        {"planning"},
        {"strategies"},
        {"execution"},
        {"tracking"},
        {"status"},
        {"cli"},
        {path.stem for path in (ROOT / "sweeps").glob("*.py")} - {"__init__"},  # the studies
    ],
    "analysis": [
        {"vocabulary", "states", "stored_names"},
        {"words", "levels", "versions", "rows", "axes", "statistics"},
        {"importance"},
        {"comparison"},
        {"fragility", "findings"},
        {"document", "calibration"},
        {"spending"},
        {"sections"},
        {"contents", "decision"},
        {"report", "systems", "paper", "compare", "costs"},
    ],
}
"""Package -> its modules and folders, floor by floor: each imports what is on its own floor or below."""

OURS = {*LAYERS, *SHARED, "tests"}
ADAPTERS = {
    "ray": {"trainables/ray_adapter.py", "sweeps/execution/"},
    "mlflow": {"sweeps/tracking/mlflow_store.py"},
    "optuna": {"sweeps/strategies/", "analysis/importance/fanova.py"},
}  # fmt: skip
FILES = [p for package in LAYERS for p in sorted((ROOT / package).rglob("*.py"))]
MOST_FILES = {
    "trainables/objectives": 40, "analysis/sections": 44, "trainables/engine/native": 24, "infra/benchmarks": 16,
    "trainables/metrics": 40, "sweeps": 24,
}  # fmt: skip
"""Folders of things of one kind, a file each; others have at most 12."""


def modules(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, anywhere in it; of `from a import b` both a and a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; name the package"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported(path: Path) -> set[str]:
    """Top-level names that a file imports."""
    return {name.split(".")[0] for name in modules(path)}


def floor_of(package: str, part: str) -> int:
    """The floor of a package's module or folder."""
    found = [number for number, parts in enumerate(FLOORS[package]) if part in parts]
    assert found, f"{package}.{part} must be on a floor; add it to FLOORS"
    return found[0]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    package, *parts = path.relative_to(ROOT).with_suffix("").parts
    assert imported(path) & OURS <= LAYERS[package]
    if package not in FLOORS or parts == ["__init__"]:
        return
    here = floor_of(package, parts[0])
    known = set().union(*FLOORS[package])
    for name in modules(path):
        top, *rest = name.split(".")
        if top == package and rest and rest[0] in known:
            assert floor_of(package, rest[0]) <= here, (
                f"{path.relative_to(ROOT)} imports {name}, which is above it"
            )


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_ray_mlflow_and_optuna_stay_at_the_edge(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    if name.startswith("infra/"):
        return
    for library, allowed in ADAPTERS.items():
        assert library not in imported(path) or name.startswith(tuple(allowed)), f"{name} imports {library}"


@pytest.mark.parametrize("path", sorted((ROOT / "analysis").rglob("*.py")), ids=lambda p: p.name)
def test_analysis_knows_no_torch(path: Path) -> None:
    assert "torch" not in imported(path)


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in FILES}), ids=lambda p: str(p.relative_to(ROOT))
)
def test_a_folder_can_be_read_at_a_glance(folder: Path) -> None:
    files = [path for path in folder.iterdir() if path.is_file() and path.name != "__init__.py"]
    assert len(files) <= MOST_FILES.get(str(folder.relative_to(ROOT)), 12)


def test_no_file_or_folder_beside_a_script_is_named_as_an_importable_package() -> None:
    # A script's own folder is first on sys.path: sweeps/queue.py would hide the standard library's.
    taken = set(sys.stdlib_module_names) | set(packages_distributions()) - OURS
    for folder in (ROOT / "sweeps", ROOT / "infra"):
        names = {
            path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
        } - {"__init__"}
        assert not names & taken
