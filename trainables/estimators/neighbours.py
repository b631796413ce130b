"""Entropy of a sample and divergence between two, from distances to nearest neighbours: no model of a density."""

from __future__ import annotations

import math

import torch
from torch import Tensor


@torch.no_grad()
def kl_divergence(q: Tensor, p: Tensor, k: int = 5, *, rows: int = 1024) -> Tensor:
    """KL(q‖p) in nats between the densities of two samples: a float64 scalar from q [n, d] and p [m, d].

    Source: Wang, Kulkarni and Verdú 2009, "Divergence estimation for multidimensional densities via
    k-nearest-neighbor distances", eq. 5; also Pérez-Cruz 2008.

        d/n Σ_i log(ν_i / ρ_i) + log(m / (n − 1))

    with ρ_i the distance of q_i to its k-th neighbour among the other points of q, and ν_i to that in p.

    Accuracy: the standard deviation at 2,000 points each is 0.01 to 0.03 for equal densities, so that an estimate may
    be below 0. The bias is small where the densities overlap in one or two dimensions; it grows with d, and where q is
    the wider: p is taken to reach as far as its points are apart. At 4,000 points each in 10 dimensions,
    KL(N(0, I) ‖ N(0, 4I)) = 3.18 comes out as 3.68, and KL(N(0, 4I) ‖ N(0, I)) = 8.07 as 0.21: compare estimates
    of the same d, n and m, and take n = m, for which the biases of equal densities cancel.

    Ties have probability 0 under a density. Where k others of q lie on q_i (ρ_i = 0), q has an atom that p lacks: the
    estimate is inf, as KL is. Where k of p lie on q_i (ν_i = 0), p has an atom too and the estimate would be −inf or
    undefined: ValueError. A floor under distances would turn either into a number of the floor's making.
    Points that are not finite give nan.

    Args:
        k: which neighbour: a farther one has less variance and more bias.
        rows: points of q whose distances are held at once: memory is rows × max(n, m) float64, the result is the same.
    Raises:
        ValueError: if the samples are not of one dimension d >= 1, too few for k, or p has ties as above.
    """
    if q.ndim != 2 or p.ndim != 2 or q.shape[1] != p.shape[1] or not q.shape[1]:
        raise ValueError(
            f"samples must be [n, d] and [m, d] with the same d >= 1, got {list(q.shape)} and {list(p.shape)}"
        )
    if k < 1 or rows < 1:
        raise ValueError(f"k and rows must be >= 1, got {k} and {rows}")
    (n, d), m = q.shape, len(p)
    if n <= k or m < k:
        raise ValueError(
            f"k = {k} neighbours need n >= {k + 1} and m >= {k}, got {n} and {m}: take a smaller k"
        )
    q, p = q.double(), p.double()
    if not (q.isfinite().all() and p.isfinite().all()):
        return q.new_tensor(math.nan)
    # A point is its own first neighbour in q, at distance 0.
    rho = torch.cat([_distance(chunk, q, k + 1) for chunk in q.split(rows)])
    nu = torch.cat([_distance(chunk, p, k) for chunk in q.split(rows)])
    if ties := int((nu == 0).sum()):
        raise ValueError(
            f"p must have a density, got {k} or more copies in p of {ties} points of q: remove copies or take a larger k"
        )
    return divergence_of_distances(rho, nu, d, m)


def divergence_of_distances(rho: Tensor, nu: Tensor, d: int, m: int) -> Tensor:
    """d/n Σ_i log(ν_i / ρ_i) + log(m / (n − 1)), as of `kl_divergence`, from ρ and ν [n] in d dimensions and m points of p."""
    return d * (nu.log() - rho.log()).mean() + math.log(m / (len(rho) - 1))


@torch.no_grad()
def entropy(q: Tensor, k: int = 5, *, rows: int = 1024) -> Tensor:
    """Differential entropy in nats of the density of a sample: a float64 scalar from q [n, d].

    Source: Kozachenko and Leonenko 1987, "Sample estimate of the entropy of a random vector"; for the k-th neighbour
    Kraskov, Stögbauer and Grassberger 2004, eq. 20. The sample is whitened first, which adds log|det| of the map back:

        ψ(n) − ψ(k) + log V_d + d/n Σ_i log ρ_i + log|det|

    with ρ_i the distance of the whitened q_i to its k-th neighbour and V_d the volume of the unit ball.

    Accuracy: an estimate is too high where the density is narrow along some direction, as balls reach beyond it. Whitened,
    5,000 points of any Gaussian in 10 dimensions give its entropy to 0.03; unwhitened, one with deviations from 1 to 1/50
    is nats too high. Two modes far apart, or a bent one, stay narrow after whitening: 0.4 too high in 10 dimensions.
    Estimate the entropy of each mode apart, H = H(mode) + Σ P(mode) H(q | mode), and straighten what is bent.

    Points in a subspace, to rounding, and points with k others in their very place have no density: the estimate is
    −inf, as their entropy is. Points that are not finite give nan.

    Args:
        k, rows: as of `kl_divergence`; k = 1 has the least bias, and ψ'(1)/n = 1.6/n as variance for ψ'(5)/n = 0.2/n.
    Raises:
        ValueError: if the sample is not of a dimension d >= 1, or too small for k or d.
    """
    if q.ndim != 2 or not q.shape[1]:
        raise ValueError(f"a sample must be [n, d] with d >= 1, got {list(q.shape)}")
    if k < 1 or rows < 1:
        raise ValueError(f"k and rows must be >= 1, got {k} and {rows}")
    n, d = q.shape
    if n <= max(k, d):
        raise ValueError(
            f"k = {k} neighbours in {d} dimensions need n >= {max(k, d) + 1}, got {n}: take more points"
        )
    q = q.double()
    if not q.isfinite().all():
        return q.new_tensor(math.nan)
    if q.unique(dim=0, return_counts=True)[1].max() > k:  # whitened, copies are apart by rounding
        return q.new_tensor(-math.inf)
    white, scales, _ = torch.linalg.svd(q - q.mean(0), full_matrices=False)
    if scales[-1] <= scales[0] * n * torch.finfo(q.dtype).eps:
        return q.new_tensor(-math.inf)
    rho = torch.cat([_distance(chunk, white, k + 1) for chunk in white.split(rows)])
    return entropy_of_distances(rho, d, k) + scales.log().sum()


def entropy_of_distances(rho: Tensor, d: int, k: int) -> Tensor:
    """ψ(n) − ψ(k) + log V_d + d/n Σ_i log ρ_i, as of `entropy`, from the distances ρ [n] to k-th neighbours in d dimensions."""
    digamma = torch.digamma(rho.new_tensor([len(rho), k]))
    log_ball = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)
    return digamma[0] - digamma[1] + log_ball + d * rho.log().mean()


def _distance(x: Tensor, sample: Tensor, k: int) -> Tensor:
    """Distance of each of x [rows, d] to its k-th nearest of sample [m, d]: [rows]."""
    # By matrix products cdist would lose the short distances to cancellation, a point's own 0 among them.
    distances = torch.cdist(x, sample, compute_mode="donot_use_mm_for_euclid_dist")
    return distances.topk(k, dim=-1, largest=False).values[:, -1]
