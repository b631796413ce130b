"""Draws the ground truth of the Eight Schools study: its posterior, by NUTS (NumPyro).

Command  make ground-truth, which installs NumPyro and writes trainables/datasets/eight_schools.npy
Cost     half a minute on 2 cores

Source: Hoffman & Gelman 2014; Phan et al. 2019. The model is that of `trainables.datasets.eight_schools`.
"""

from __future__ import annotations

import sys

import numpy as np

import command_output
from trainables.datasets.eight_schools import EFFECTS, ERRORS, REFERENCE

CHAINS, WARMUP, KEPT, THINNING = 4, 2_000, 1_250, 40
"""Draws that are kept of each chain, and of how many each is one."""

MOST_R_HAT = 1.01
"""Vehtari et al. 2021: chains whose split R̂ is above this have not mixed."""


def draw() -> np.ndarray:
    """Posterior draws of (μ, τ, η_1 … η_8), float32 [5000, 10]. Raises RuntimeError if the chains did not mix."""
    import jax
    import numpyro
    from numpyro import diagnostics, distributions
    from numpyro.infer import MCMC, NUTS

    def model() -> None:
        mu = numpyro.sample("mu", distributions.Normal(0.0, 1.0))
        tau = numpyro.sample("tau", distributions.Normal(0.0, 1.0))
        eta = numpyro.sample("eta", distributions.Normal(0.0, 1.0).expand([len(EFFECTS)]))
        numpyro.sample("y", distributions.Normal(mu + tau * eta, np.array(ERRORS)), obs=np.array(EFFECTS))

    chains = MCMC(NUTS(model, target_accept_prob=0.9), num_warmup=WARMUP, num_samples=KEPT * THINNING,
                  thinning=THINNING, num_chains=CHAINS, chain_method="sequential", progress_bar=False)  # fmt: skip
    chains.run(jax.random.PRNGKey(0))
    found = chains.get_samples(group_by_chain=True)
    draws = np.concatenate([np.stack([found["mu"], found["tau"]], -1), found["eta"]], -1)
    worst = max(float(diagnostics.split_gelman_rubin(draws[..., d])) for d in range(draws.shape[-1]))
    effective = min(float(diagnostics.effective_sample_size(draws[..., d])) for d in range(draws.shape[-1]))
    print(
        f"split R-hat at most {worst:.4f}, effective sample size at least {effective:.0f} of {CHAINS * KEPT}"
    )
    if worst > MOST_R_HAT:
        raise RuntimeError(f"split R-hat must be <= {MOST_R_HAT}, got {worst:.4f}: draw more")
    return draws.reshape(-1, draws.shape[-1]).astype(np.float32)


def main() -> None:
    """Write the draws."""
    try:
        np.save(REFERENCE, draw())
    except ImportError as error:
        sys.exit(f"error: {error.name} is not installed; run `make ground-truth`")
    print(f"wrote {REFERENCE}")


if __name__ == "__main__":
    command_output.lasting()
    main()
