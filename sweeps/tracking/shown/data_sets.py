"""Data sets of runs as MLflow lists them: what rows and manifest say of them, without the data themselves."""

from __future__ import annotations

import functools
import hashlib
import json
from typing import TYPE_CHECKING

from result_manifest import Manifest

if TYPE_CHECKING:
    from sweeps.tracking.mlflow_store import DataContent

LONGEST_DIGEST = 36
"""Characters of a digest that MLflow takes."""


def data_of(version: str, manifest: Manifest) -> DataContent:
    """The data set of a run.

    Its name is the study's, or of a study that names none its version; its digest the version, which names its points and the
    facts that metrics read, or a hash of a longer one.

    Args:
        version: of the data, as the run's row has it.
        manifest: of its study.
    """
    facts = (manifest.data, manifest.shape, manifest.coordinates, manifest.modes, manifest.mode_std)
    return _content(version, *facts)


@functools.lru_cache(64)
def _content(
    version: str,
    name: str,
    shape: tuple[int, ...],
    coordinates: tuple[str, ...],
    modes: tuple[tuple[float, ...], ...],
    mode_std: float,
) -> DataContent:
    from sweeps.tracking.mlflow_store import DataContent

    short = len(version) <= LONGEST_DIGEST
    point = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, *shape]}}
    facts = {
        "version": version,
        "shape_of_a_point": list(shape),
        "coordinates": list(coordinates),
        "modes": len(modes),
        "standard_deviation_of_a_mode": mode_std,
    }
    return DataContent(
        name=name or version,
        digest=version if short else hashlib.sha256(version.encode()).hexdigest()[:LONGEST_DIGEST],
        source=json.dumps({"tags": {"mlflow.source.name": name or version}}),
        schema=json.dumps({"mlflow_tensorspec": {"features": json.dumps([point]), "targets": None}}),
        profile=json.dumps({fact: value for fact, value in facts.items() if value}),
    )
