"""The files for `ray up`, held to Ray's own schema and to what they promise, without a cloud."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.infra.installed import ROOT

FILES = sorted((ROOT / "infra" / "ray").glob("*.yaml"))
CLOUDS = [path for path in FILES if path.stem != "local"]


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


def test_there_are_files_for_two_clouds_and_own_machines() -> None:
    assert {path.stem for path in FILES} == {"aws", "gcp", "local"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_ray_accepts_the_file(path: Path) -> None:
    filled = prepare_config(load(path))
    validate_config(filled)
    assert filled["head_setup_commands"][-1].startswith("bash ~/generative-robustness/dist/setup.sh")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "wrong", [{"max_worker": 3}, {"cluster_name": 3}, {"head_start_ray_commands": "ray start"}], ids=str
)
def test_ray_refuses_the_file_when_it_is_wrong(path: Path, wrong: dict[str, Any]) -> None:
    filled = prepare_config(load(path))
    with pytest.raises(jsonschema.ValidationError):
        validate_config({**filled, **wrong})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nodes_stop_only_their_own_ray_install_the_wheel_and_have_the_token(path: Path) -> None:
    filled = prepare_config(load(path))
    starts = [*filled["head_start_ray_commands"], *filled["worker_start_ray_commands"]]
    assert len(starts) == 2
    for command in starts:
        assert "ray stop" not in command
        assert "python -m infra.node ray start" in command
    assert "--dashboard-host=127.0.0.1" in starts[0]
    assert "--autoscaling-config=~/ray_bootstrap_config.yaml" in starts[0]
    assert filled["file_mounts"] == {
        "~/generative-robustness/dist": "dist",
        "~/.ray/auth_token": "~/.ray/auth_token",
    }
    makefile = (ROOT / "Makefile").read_text()
    wheel = makefile[makefile.index("\nwheel:") :].split("\n\n")[0]
    assert "cp constraints.txt infra/ray/node.sh infra/ray/setup.sh dist/" in wheel
    assert "RAY_AUTH_MODE=token" in (ROOT / "infra/ray/node.sh").read_text()


@pytest.mark.parametrize("path", CLOUDS, ids=lambda path: path.stem)
def test_head_is_on_demand_and_trains_nothing_and_workers_are_spot_and_may_be_none(path: Path) -> None:
    filled = prepare_config(load(path))
    types = filled["available_node_types"]
    head, workers = types.pop("head"), types
    assert filled["head_node_type"] == "head"
    assert "--num-cpus=0" in filled["head_start_ray_commands"][0]
    assert head["resources"] == {"CPU": 0}

    def spot(kind: dict[str, Any]) -> bool:
        config = kind["node_config"]
        market = config.get("InstanceMarketOptions", {}).get("MarketType")
        return bool(market == "spot" or config.get("scheduling", {}).get("provisioningModel") == "SPOT")

    assert not spot(head)
    assert all(spot(kind) and kind["min_workers"] == 0 for kind in workers.values())
    assert workers["gpu"]["resources"]["GPU"] == 1
    # What the file's header tells to ask for is what its GPU workers have together.
    command = next(line for line in path.read_text().splitlines() if "ray submit" in line)
    words = shlex.split(command.lstrip("# "))
    scale = words[words.index("--scale-to") + 1 :][:2]
    gpu = workers["gpu"]
    assert [int(word) for word in scale] == [
        gpu["max_workers"] * gpu["resources"][unit] for unit in ("CPU", "GPU")
    ]


def test_aws_lets_in_ssh_alone() -> None:
    rules = load(ROOT / "infra/ray/aws.yaml")["provider"]["security_group"]["IpPermissions"]
    assert [(rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) for rule in rules] == [(22, 22, "TCP")]
