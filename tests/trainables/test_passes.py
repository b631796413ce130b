"""Passes through the networks: of systems whose losses one can read, counted by hand; of every one, found."""

from __future__ import annotations

import pytest

from tests.trainables.factory import home
from trainables import objectives
from trainables.engine.traced.passes import products


@pytest.mark.parametrize(
    ("algorithm", "data", "player", "expected"),
    [
        # (x, z~) and (x~, z) go into the critic: the coders forward, the critic there and back, its weights.
        ("alice", "mixture5", "critic", {"encoder": 1, "decoder": 1, "critic": 2 * 3}),
        # Two passes of each coder, the second one for the reconstruction; the critic's weights rest.
        ("alice", "mixture5", "autoencoder", {"encoder": 2 * 3, "decoder": 2 * 3, "critic": 2 * 2}),
        ("gan", "mixture5", "autoencoder", {"decoder": 3, "critic": 2}),
        ("vae", "digits", "autoencoder", {"encoder": 3, "decoder": 3}),
        ("vae", "eight_schools", "autoencoder", {"encoder": 3}),  # its likelihood is known
        # Each of ten labels.
        ("ssvae", "digits", "autoencoder", {"classifier": 3, "encoder": 10 * 3, "decoder": 10 * 3}),
    ],
)
def test_passes_are_counted(algorithm: str, data: str, player: str, expected: dict[str, int]) -> None:
    assert products(algorithm, data)[player] == expected


@pytest.mark.parametrize("algorithm", objectives.available())
def test_every_player_goes_through_what_it_trains_there_and_back(algorithm: str) -> None:
    form = objectives.find(algorithm).form
    counted = products(algorithm, home(algorithm))
    assert counted.keys() == form.players.keys()
    for player, trained in form.players.items():
        assert all(counted[player][name] >= 3 for name in trained)
