"""The native kernels against torch, and what happens where they cannot be built."""

from __future__ import annotations

import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.func import functional_call, vmap

from tests.trainables.factory import different_runs, train
from trainables.engine.native import block, build, kernels
from trainables.networks.mlp import MLP
from trainables.randomness.streams import stream

needs_compiler = pytest.mark.skipif(build.library() is None, reason="needs a C++ compiler")


def pair(inputs: int, outputs: int, depth: int, width: int) -> tuple[MLP, MLP]:
    """The same network on native kernels and, in float64, on torch's operations."""
    ours, theirs = MLP(inputs, outputs, depth, width), MLP(inputs, outputs, depth, width).double()
    assert kernels.usable(ours.shape)
    ours.kernel = kernels.mlp
    ours.xavier_(stream("kernels"))
    with torch.no_grad():
        for _, bias in ours.layers():
            bias.data.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(len(bias)))
        theirs.flat.copy_(ours.flat)
    return ours, theirs


@needs_compiler
@pytest.mark.parametrize("rows", [1, 7, 64, 130])
@pytest.mark.parametrize(
    ("inputs", "outputs", "depth", "width"),
    [(4, 2, 1, 32), (4, 1, 3, 64), (5, 3, 2, 96), (64, 7, 2, 128), (72, 1, 1, 32)],
)
@pytest.mark.parametrize("rate", [None, 0, 20_000])
def test_mlp_and_its_gradients_are_torchs(
    inputs: int, outputs: int, depth: int, width: int, rows: int, rate: int | None
) -> None:
    ours, theirs = pair(inputs, outputs, depth, width)
    generator = torch.Generator().manual_seed(rows)
    h = torch.randn(rows, inputs, generator=generator).requires_grad_()
    error = torch.randn(rows, outputs, generator=generator)
    dropout = None if rate is None else torch.tensor([1, 2, 3, 1, rate])
    wide = h.detach().double().requires_grad_()
    output, expected = ours(h, dropout), theirs(wide, dropout)
    torch.testing.assert_close(output.double(), expected, rtol=1e-4, atol=1e-5)
    gradients = torch.autograd.grad(output, (ours.flat, h), error)
    references = torch.autograd.grad(expected, (theirs.flat, wide), error.double())
    for gradient, reference in zip(gradients, references, strict=True):
        torch.testing.assert_close(gradient.double(), reference, rtol=1e-3, atol=1e-4)


@needs_compiler
def test_members_and_shared_arguments_are_vectorised() -> None:
    ours, _ = pair(4, 2, 2, 32)
    flats = torch.stack([ours.flat.detach() * scale for scale in (0.5, 1.0, 2.0)])
    h = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))

    def one(flat: Tensor, h: Tensor) -> Tensor:
        result: Tensor = functional_call(ours, {"flat": flat}, (h,))
        return result

    together = vmap(one, in_dims=(0, None))(flats, h)
    for m in range(3):
        assert torch.equal(together[m], one(flats[m], h))


@needs_compiler
@pytest.mark.parametrize("bias", [-3.0, 3.0])
def test_products_are_torchs_however_many_units_are_zero(bias: float) -> None:
    # Hidden units: 0.1 % and 99.9 % above zero; in the tests above, about half.
    ours, theirs = pair(4, 2, 3, 128)
    h = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for net in (ours, theirs):
            net.layers()[0][1].fill_(bias)
    output, expected = ours(h), theirs(h.double())
    torch.testing.assert_close(output.double(), expected, rtol=1e-4, atol=1e-4)
    (gradient,), (reference,) = (
        torch.autograd.grad(y.square().sum(), net.flat) for y, net in ((output, ours), (expected, theirs))
    )
    torch.testing.assert_close(gradient.double(), reference, rtol=1e-3, atol=1e-2)


@needs_compiler
@pytest.mark.parametrize("width", [32, 64])
def test_nan_and_infinity_go_through_as_in_torch(width: int) -> None:
    ours, _ = pair(4, 2, 2, width)
    h = torch.ones(3, 4)
    h[1, 2], h[2, 0] = math.nan, math.inf
    with torch.no_grad():
        output = ours(h)
    assert torch.isfinite(output[0]).all()
    assert torch.isnan(output[1]).all()
    assert not torch.isfinite(output[2]).all()


@needs_compiler
def test_kernels_say_that_they_are_differentiable_once() -> None:
    ours, _ = pair(4, 1, 2, 32)
    h = torch.ones(2, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(ours(h).sum(), h, create_graph=True)
    with pytest.raises(NotImplementedError, match="native=False"):
        gradient.sum().backward()


@pytest.mark.parametrize("shape", [kernels.Shape(4, 48, 2, 2), kernels.Shape(4, 32, 2, 64)])
def test_other_shapes_run_on_torch(shape: kernels.Shape) -> None:
    assert not kernels.usable(shape)


@needs_compiler
def test_a_library_is_built_once_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = build.kernels()
    built = first.stat().st_mtime_ns
    assert build.kernels() == first
    assert first.stat().st_mtime_ns == built
    assert [path.name for path in first.parent.iterdir()] == [first.name]


@needs_compiler
def test_of_several_who_want_the_same_library_one_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler, calls = tmp_path / "compiler", tmp_path / "calls"
    compiler.write_text(f'#!/bin/sh\necho called >>{calls}\nexec "{shutil.which("c++")}" "$@"\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: build.kernels(), range(4)))
    assert len(set(paths)) == 1
    assert calls.read_text().split() == ["called"]


@pytest.mark.parametrize("compiler", ["/nonexistent/c++", "false"])
def test_without_a_compiler_training_warns_and_runs_on_torch(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = different_runs(budget=20)
    with_kernels, _ = train(runs)
    monkeypatch.setenv("CXX", compiler)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(block, "_losses", {})
    build.library.cache_clear()
    build.missing.cache_clear()
    try:
        with pytest.warns(UserWarning, match="install g\\+\\+ or set CXX"):
            without, _ = train(runs)
    finally:
        build.library.cache_clear()
        build.missing.cache_clear()
    for key, result in without.items():
        theirs = with_kernels[key].metrics
        assert result.metrics is not None
        assert theirs is not None
        assert result.metrics["mse_x"] == pytest.approx(theirs["mse_x"], rel=1e-3)
