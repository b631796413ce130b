"""Facts of studies that were stored before manifests had them; nothing is added to these tables.

A new system has both in its class, and the manifest of a study that knows it (`result_manifest.Manifest`).
"""

from result_published import Published, Statement

LABELS = {
    "svae_r": "sVAE-r", "alice": "ALICE", "svae": "sVAE", "ali": "ALI", "alice_cycle": "ALICE, adversarial",
    "vae": "VAE", "aavae": "AAVAE", "avb": "AVB", "avb_ac": "AVB+AC", "avb_prior": "AVB, log-prior in T",
    "avb_ac_prior": "AVB+AC, log r in T", "aae": "AAE",
    "vae_full_rank": "VAE, full rank", "vae_flow": "VAE-NF", "as_vae_flow": "AS-VAE-NF", "ssvae": "SSVAE", "aassvae": "AASSVAE",
    "as_vae": "AS-VAE", "as_vae_r": "AS-VAE-r", "as_vae_g": "AS-VAE-g",
    "cvae": "CVAE", "aacvae": "AACVAE", "cgan": "CGAN", "iwcgan": "IWCGAN",
    "gan": "GAN", "symmetric_gan": "symmetric GAN", "iwgan": "IWGAN", "infogan": "InfoGAN", "wgan": "WGAN", "wgan_gp": "WGAN-GP",
}  # fmt: skip
"""Algorithm -> what its paper calls it, in reading order (`result_names.STORED_ORDER`)."""

BASELINES = {
    "svae_r": ("alice",), "svae": ("ali",), "avb": ("vae", "vae_full_rank"), "aavae": ("vae",), "iwgan": ("gan",),
    "aacvae": ("cvae",), "iwcgan": ("cgan",), "aassvae": ("ssvae",), "avb_ac": ("vae",), "vae_flow": ("vae",),
    "vae_full_rank": ("vae",), "avb_prior": ("avb",), "avb_ac_prior": ("avb_ac",),
}  # fmt: skip
"""Algorithm -> the algorithms that papers compare it with."""

HEADLINE_OF_POSTERIORS = ("mse_x", "kl_posterior")
"""Metrics that studies of a Bayesian model are about, where they declare none."""

MODES = {"mixture5-v1": (((0.0, 0.0), (2.0, 2.0), (-2.0, -2.0), (2.0, -2.0), (-2.0, 2.0)), 0.2)}
"""Data version -> means and standard deviation of its equally likely Gaussians."""

_ALICE_README = "README of the released ALICE code (Li et al. 2017), 576 configurations"
_ALICE_NOTEBOOK = "plotting notebook of the released ALICE code (Li et al. 2017)"
_SVAE = "sVAE, later version (Chen et al.), section 6.1 and figure 3"
_SVAE_LAMBDA = "sVAE, later version (Chen et al.), section 6.4 and figure 7"
_AVB = "Mescheder et al. 2017, table 1"

PUBLISHED = {
    "toy_robustness": Published("mixture5", 1600, (
        Statement("alice", "inception score 4.595 ± 0.604 (mean ± std)", _ALICE_README, 1.0, "inception_score", 4.595, 0.604),
        Statement("alice", "MSE 0.022 ± 0.029 (mean ± std)", _ALICE_README, 1.0, "mse_x", 0.022, 0.029),
        Statement("true samples", "inception score 4.977 under a perfect classifier", _ALICE_NOTEBOOK, None, "inception_score", 4.977),
        Statement("denoising autoencoder", "MSE 0.003", _ALICE_NOTEBOOK, None, "mse_x", 0.003),
        Statement("sVAE-r against ALICE", "both reconstruct at λ = 0.1; sVAE-r has the better overall inception score", _SVAE, 0.1),
    )),
    "lambda_sweep": Published("mixture5", 0, (
        Statement("sVAE-r and ALICE", "both reconstruct better as λ grows (CIFAR-10)", _SVAE_LAMBDA),
        Statement("alice", "the inception score falls once λ > 1e-3 (CIFAR-10)", _SVAE_LAMBDA),
        Statement("svae_r", "the inception score does not fall with λ (CIFAR-10)", _SVAE_LAMBDA),
    )),
    "avb_synthetic": Published("four_images", 6000, tuple(
        Statement(algorithm, str(value).replace("-", "−"), _AVB, 0.0, metric, value)
        for algorithm, values in (("vae", (-1.568, 0.354, -1.697, 0.165)), ("avb", (-1.403, 0.0231, -1.421, 0.026)))
        for metric, value in zip(("log_likelihood", "reconstruction", "elbo", "kl_z"), values, strict=True)
    )),
}  # fmt: skip
"""Study -> what its file said then of published numbers (`result_manifest.Manifest.published`)."""
