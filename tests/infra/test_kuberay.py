"""KubeRay's manifests, held to its published schema (tests/infra/kuberay); an unknown field is an error."""

from __future__ import annotations

import copy
import gzip
import json
import re
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from sweeps.cli.options import parse
from sweeps.toy_robustness import STUDY
from tests.infra.installed import ROOT

FOLDER = ROOT / "infra" / "kuberay"
SCHEMAS = {"RayJob": "rayjobs", "RayCluster": "rayclusters"}
RESOURCES = [
    (path.name, resource)
    for path in sorted(FOLDER.glob("*.yaml"))
    for resource in yaml.safe_load_all(path.read_text())
    if resource["kind"] in SCHEMAS
]
MANIFESTS = pytest.mark.parametrize(
    "resource", [r for _, r in RESOURCES], ids=[name for name, _ in RESOURCES]
)


def closed(schema: Any) -> Any:
    """The schema, where an object has no other fields than are named: Kubernetes drops those without a word."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    new = {key: closed(value) for key, value in schema.items()}
    fields = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    if fields and not schema.get("x-kubernetes-preserve-unknown-fields"):
        new["additionalProperties"] = False
    return new


def schema_of(kind: str) -> dict[str, Any]:
    packed = (Path(__file__).parent / "kuberay" / f"{SCHEMAS[kind]}.json.gz").read_bytes()
    schema: dict[str, Any] = closed(json.loads(gzip.decompress(packed)))
    return schema


def errors(resource: dict[str, Any]) -> list[str]:
    return [
        error.message
        for error in jsonschema.Draft7Validator(schema_of(resource["kind"])).iter_errors(resource)
    ]


def cluster_of(resource: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = resource["spec"]
    cluster: dict[str, Any] = spec.get("rayClusterSpec", spec)
    return cluster


def test_there_is_a_job_and_a_cluster() -> None:
    assert sorted(resource["kind"] for _, resource in RESOURCES) == ["RayCluster", "RayJob"]


@MANIFESTS
def test_manifest_is_of_the_published_schema(resource: dict[str, Any]) -> None:
    assert errors(resource) == []
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", resource["metadata"]["name"])


@MANIFESTS
@pytest.mark.parametrize(
    "path", ["", "workerGroupSpecs.0", "headGroupSpec.template.spec.containers.0", "authOptions"]
)
def test_misspelt_or_wrong_field_fails(resource: dict[str, Any], path: str) -> None:
    wrong = copy.deepcopy(resource)
    place: Any = cluster_of(wrong)
    for step in filter(None, path.split(".")):
        place = place[int(step)] if step.isdigit() else place[step]
    key = sorted(place)[0]
    place[f"{key}s"] = place[key]
    assert [f"'{key}s' was unexpected" in error for error in errors(wrong)] == [True]


@MANIFESTS
def test_wrong_type_fails(resource: dict[str, Any]) -> None:
    wrong = copy.deepcopy(resource)
    cluster_of(wrong)["workerGroupSpecs"][0]["maxReplicas"] = "8"
    assert errors(wrong) == ["'8' is not of type 'integer'"]


@MANIFESTS
def test_cluster_scales_gpus_from_none_asks_for_a_token_and_runs_the_pinned_ray(
    resource: dict[str, Any],
) -> None:
    cluster = cluster_of(resource)
    assert cluster["rayVersion"] == version("ray")
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["enableInTreeAutoscaling"] is True
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    (group,) = cluster["workerGroupSpecs"]
    assert (group["minReplicas"], group["replicas"]) == (0, 0)
    limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == "1"
    scale = f"--scale-to {group['maxReplicas'] * int(limits['cpu'])} {group['maxReplicas']}"
    file = next(name for name, other in RESOURCES if other is resource)
    assert scale in (FOLDER / file).read_text()


@MANIFESTS
def test_every_node_reaches_the_results(resource: dict[str, Any]) -> None:
    cluster = cluster_of(resource)
    pods = [cluster["headGroupSpec"]["template"]["spec"], cluster["workerGroupSpecs"][0]["template"]["spec"]]
    mounted = all(
        m["mountPath"] == "/results"
        for pod in pods
        for m in pod["containers"][0].get("volumeMounts", [{"mountPath": ""}])
    )
    account = all("serviceAccountName" in pod for pod in pods)
    assert mounted if resource["kind"] == "RayCluster" else account
    if mounted:
        claims = {volume["persistentVolumeClaim"]["claimName"] for pod in pods for volume in pod["volumes"]}
        (claim,) = [
            r
            for r in yaml.safe_load_all((FOLDER / "raycluster.yaml").read_text())
            if r["kind"] == "PersistentVolumeClaim"
        ]
        assert claims == {claim["metadata"]["name"]}
        assert claim["spec"]["accessModes"] == ["ReadWriteMany"]


def test_entrypoint_is_understood_by_the_study() -> None:
    (job,) = [resource for _, resource in RESOURCES if resource["kind"] == "RayJob"]
    words = shlex.split(job["spec"]["entrypoint"])
    assert words[:3] == ["python", "-m", "sweeps.toy_robustness"]
    options = parse(STUDY, words[3:])
    assert (options.preset, options.address, options.scale_to) == ("paper", "auto", (32, 8))
    assert options.results.startswith("s3://")
