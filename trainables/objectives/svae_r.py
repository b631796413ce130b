"""sVAE-r: the symmetric variational autoencoder with reconstruction, implicit and as in its paper."""

from typing import final

from torch import Tensor

from trainables.models.batch import Batch, Model
from trainables.models.spec import CRITIC, EXPLICIT_DECODER, GAUSSIAN_ENCODER, Form
from trainables.objectives.base import DifferentiableObjective, JointObjective
from trainables.parameters import weight


@final
class SVAEr(JointObjective):
    """sVAE-r: sVAE plus λ times the reconstruction of x and of z.

    Source: Pu et al. 2017, eq. 14 and 29.

        E_p f − E_q f + λ (R_x + R_z)

    Departures from the paper:
        1. eq. 29's −log p(x|z) and −log q(z|x) are those of unit-variance Gaussians, up to constants: R_x and R_z.
        2. Encoder and decoder are implicit, and the squared error is of a sample: it counts the decoder's own noise too. The
           paper's are explicit Gaussians with learned variances.
    """

    name = "svae_r"
    label = "sVAE-r"
    colour = "#0072B2"
    baselines = ("alice",)
    lam = weight()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        return batch.f_p.mean() - batch.f_q.mean() + lam * (batch.R_x + batch.R_z)


@final
class SVAErExplicit(DifferentiableObjective):
    """sVAE-r, explicit: encoder and decoder are Gaussians of which networks give means and variances, as in the paper.

    Source: Pu et al. 2017, eq. 14 and 29, §5.

        E_p f − E_q f − λ [E_q log p(x|z~) + E_p log q(z|x~)]

    Log-densities are in nats, summed over dimensions. With λ = 0 it is the paper's sVAE; the paper's λ is 0.3.

    Departures from the paper:
        1. On continuous data alone: x~ of a Bernoulli decoder has no gradient, and the paper does not say how its own has one.
        2. One step of the critic an iteration and the configuration's `steps` of encoder and decoder; the paper says neither.
    """

    name = "svae_r_explicit"
    label = "sVAE-r, explicit"
    baselines = ("alice", "svae_r")
    lam = weight()
    form = Form(
        {"encoder": GAUSSIAN_ENCODER, "decoder": EXPLICIT_DECODER, "critic": CRITIC},
        {"critic": ("critic",), "autoencoder": ("encoder", "decoder")},
    )

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        likelihoods = batch.log_p(batch.x, batch.z_q) + batch.log_q(batch.z, batch.x_p)
        return batch.f_p.mean() - batch.f_q.mean() - lam * likelihoods.mean()

    def bound(self, model: Model, x: Tensor, epsilon: Tensor) -> Tensor:
        """Eq. 1, by which the paper estimates likelihoods; it is not what is maximised."""
        return model.elbo(x, epsilon)
