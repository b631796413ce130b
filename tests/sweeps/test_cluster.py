"""What a cluster's resources make of trials."""

import pytest

from sweeps.cluster import Slots, _offered, _slots


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
    assert _slots(cpus, gpus) == expected


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([{"CPU": 2.0}, {"CPU": 4.0}], (6, 0)),
        (
            [{"CPU": 16.0}, {"CPU": 4.0, "GPU": 2.0}],
            (4, 2),
        ),  # trials take a share of a GPU: the first has none
        ([{"CPU": 8.0, "GPU": 1.0}, {"CPU": 4.0, "GPU": 1.0}, {}], (12, 2)),
    ],
)
def test_cores_of_nodes_without_a_gpu_do_not_count_where_there_are_gpus(
    nodes: list[dict[str, float]], expected: tuple[int, int]
) -> None:
    assert _offered(nodes) == expected
