"""What a cluster's resources make of trials."""

import os

import pytest
import ray

from sweeps.execution.cluster import UNWATCHED, ClusterError, _slots, connect
from sweeps.planning.slots import Slots


@pytest.mark.parametrize(
    ("cpus", "gpus", "expected"),
    [
        (2, 0, Slots(2, "cpu", {"CPU": 1.0})),
        (0, 0, Slots(1, "cpu", {"CPU": 1.0})),
        (16, 1, Slots(4, "cuda", {"CPU": 1.0, "GPU": 0.25})),
        (4, 2, Slots(4, "cuda", {"CPU": 1.0, "GPU": 0.5})),
        (2, 4, Slots(4, "cuda", {"CPU": 0.5, "GPU": 1.0})),
    ],
)
def test_trials_share_gpus_where_there_are_cores_for_them(cpus: int, gpus: int, expected: Slots) -> None:
    assert _slots((cpus, gpus)) == expected


def test_trials_fit_every_node_that_has_a_gpu_and_none_is_counted_for_the_others() -> None:
    # Cores of a node without a GPU are no use to trials that need one
    assert _slots((16, 0), (2, 1)) == Slots(2, "cuda", {"CPU": 1.0, "GPU": 0.5})
    assert _slots((16, 2), (3, 1)) == Slots(9, "cuda", {"CPU": 1.0, "GPU": 1 / 3})
    assert _slots((8, 0), (4, 0)) == Slots(12, "cpu", {"CPU": 1.0})


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            OSError(
                "validate_socket_filename failed: AF_UNIX path length cannot exceed 107 bytes: /long/plasma_store"
            ),
            r"the path of its sockets, below RAY_TMPDIR or else \S+, is too long",
        ),
        (PermissionError(13, "Permission denied", "/tmp/ray"), "Permission denied: '/tmp/ray'"),
    ],
)
def test_a_ray_that_cannot_start_here_says_what_helps(
    error: OSError, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**settings: object) -> None:
        raise error

    monkeypatch.setattr(ray, "init", fail)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(os, "environ", dict(os.environ))  # it says how Ray is to start
    with pytest.raises(
        ClusterError, match=f"but cannot .*{cause}.*; set RAY_TMPDIR to a folder with a short path"
    ):
        connect("local")


@pytest.mark.parametrize(
    ("address", "scale_to", "message"),
    [
        ("local", (8, 2), "--scale-to is of a cluster that grows, but --address is local"),
        ("auto", (0, 2), "--scale-to must be CPU cores >= 1 and GPUs >= 0, got 0 2"),
        ("auto", (4, -1), "--scale-to must be CPU cores >= 1 and GPUs >= 0, got 4 -1"),
    ],
)
def test_growth_that_cannot_be_is_refused(address: str, scale_to: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        connect(address, scale_to)


@pytest.mark.parametrize(("address", "expected"), [("local", UNWATCHED), ("auto", {})])
def test_only_a_ray_that_is_started_here_goes_unwatched(
    address: str, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = {name: value for name, value in os.environ.items() if name not in UNWATCHED}
    started: list[dict[str, str]] = []
    monkeypatch.setattr(os, "environ", outside)
    monkeypatch.setattr(ray, "init", lambda **settings: started.append(dict(os.environ)))
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True, "Resources": {"CPU": 2.0}}])
    assert connect(address) == Slots(2, "cpu", {"CPU": 1.0}, own=address == "local")
    (environment,) = started
    assert {name: value for name, value in environment.items() if name in UNWATCHED} == expected
