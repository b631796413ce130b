"""Facts of studies that were stored before manifests had them; nothing is added to these tables.

A new system has both in its class, and the manifest of a study that knows it (`result_schema.Manifest`).
"""

LABELS = {
    "svae_r": "sVAE-r", "alice": "ALICE", "svae": "sVAE", "ali": "ALI", "alice_cycle": "ALICE, adversarial",
    "vae": "VAE", "aavae": "AAVAE", "avb": "AVB", "avb_ac": "AVB+AC", "avb_prior": "AVB, log-prior in T",
    "avb_ac_prior": "AVB+AC, log r in T", "aae": "AAE",
    "vae_full_rank": "VAE, full rank", "vae_flow": "VAE-NF", "as_vae_flow": "AS-VAE-NF", "ssvae": "SSVAE", "aassvae": "AASSVAE",
    "as_vae": "AS-VAE", "as_vae_r": "AS-VAE-r", "as_vae_g": "AS-VAE-g",
    "cvae": "CVAE", "aacvae": "AACVAE", "cgan": "CGAN", "iwcgan": "IWCGAN",
    "gan": "GAN", "symmetric_gan": "symmetric GAN", "iwgan": "IWGAN", "infogan": "InfoGAN", "wgan": "WGAN", "wgan_gp": "WGAN-GP",
}  # fmt: skip
"""Algorithm -> what its paper calls it, in reading order."""

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

COLOURS = {"svae_r": "#0072B2", "alice": "#D55E00", "svae": "#56B4E9", "ali": "#E69F00"}
"""Algorithm -> its colour, of Okabe and Ito's palette: the two that are compared most differ most, also in grey."""
