"""Counter-based random numbers: known answers, and the two forms against each other."""

from __future__ import annotations

import ctypes

import pytest
import torch

from trainables.engine.native import build
from trainables.randomness import philox

# Random123's known answers for philox4x32-10: counter, key, words.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_gives_the_known_answers(counter: str, key: str, expected: str) -> None:
    low, high = (torch.tensor([v]) for v in words(key))
    result = philox.philox((low, high), tuple(torch.tensor([v]) for v in words(counter)))
    assert [int(w) for w in result] == words(expected)


@pytest.mark.skipif(build.library() is None, reason="needs a C++ compiler")
@pytest.mark.parametrize("count", [64, 192, 1280])
def test_native_normals_are_those_of_torch(count: int) -> None:
    key, out = torch.tensor([0xFEDCBA98, 0x12345678]), torch.empty(count)
    library = build.library()
    assert library is not None
    library.normals_of(
        ctypes.c_void_p(key.data_ptr()),
        ctypes.c_int64(7),
        ctypes.c_long(count),
        ctypes.c_void_p(out.data_ptr()),
    )
    expected = philox.normals(key.unsqueeze(0), torch.tensor([7]), count)[0, 0]
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-6)


def test_normals_have_the_moments_of_a_standard_normal() -> None:
    draws = philox.normals(torch.tensor([[1, 2], [3, 4]]), torch.arange(50), 4000).double()
    assert draws.shape == (50, 2, 4000)
    n = draws.numel()
    for power, moment, variance in ((1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)):
        assert abs((draws**power).mean().item() - moment) < 4 * (variance / n) ** 0.5
    # Streams of other keys and steps are uncorrelated.
    flat = torch.stack([draws[0, 0], draws[0, 1], draws[1, 0]])
    assert (torch.corrcoef(flat) - torch.eye(3)).abs().max().item() < 4 / 4000**0.5


def test_normals_of_a_member_do_not_depend_on_the_others_or_on_how_many_are_drawn() -> None:
    keys = torch.tensor([[1, 2], [3, 4], [5, 6]])
    together = philox.normals(keys, torch.tensor([3, 9]), 128)
    assert torch.equal(together[1, 2], philox.normals(keys[2:], torch.tensor([9]), 128)[0, 0])


def test_multipliers_drop_with_their_probability_in_every_column() -> None:
    dropout = torch.tensor([11, 12, 13, 0, round(0.3 * philox.LEVELS)])
    kept = philox.multipliers(dropout, 0, 4096, 32) > 0
    # A column's share of 4,096 draws has a standard deviation of 0.0072.
    assert (kept.float().mean(0) - 0.7).abs().max().item() < 5 * 0.0072
    other = philox.multipliers(dropout, 1, 4096, 32) > 0
    assert (kept == other).float().mean().item() == pytest.approx(0.7**2 + 0.3**2, abs=0.01)
