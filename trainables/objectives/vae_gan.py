"""VAE/GAN: a VAE whose decoder answers a critic of its points as well."""

from typing import final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch, Model
from trainables.models.spec import CRITIC_X, EXPLICIT_DECODER, GAUSSIAN_ENCODER, Form
from trainables.objectives.base import DifferentiableObjective
from trainables.parameters import weight


@final
class VAEGAN(DifferentiableObjective):
    """VAE/GAN: the evidence lower bound plus λ times a GAN's loss of the decoder.

    Source: Hu et al. 2018, §3.4.1, of Larsen et al. 2016 (sharper than a VAE) and Che et al. 2017 (more modes than a GAN).

        critic: E_data s(f) + E_p s(−f);   encoder and decoder: −ELBO + λ E_p s(f)

    Departures from the papers:
        1. Log-likelihoods of points; those of Larsen et al. are of a hidden layer of the critic, which a network here need not have.
        2. The critic sees points generated from p(z) alone; that of Larsen et al. sees reconstructions, too.
        3. λ weighs the GAN's loss; in Larsen et al. a weight γ of the reconstruction in the decoder's update does.
        4. x~ is a sample of the Gaussian p(x|z); in the papers it is its mean.
    """

    name = "vae_gan"
    label = "VAE/GAN"
    baselines = ("vae", "gan")
    lam = weight()
    form = Form(
        {"encoder": GAUSSIAN_ENCODER, "decoder": EXPLICIT_DECODER, "critic": CRITIC_X},
        {"critic": ("critic",), "autoencoder": ("encoder", "decoder")},
    )

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        elbo = batch.elbo(batch.x, batch.noise["epsilon"])
        return -elbo.mean() + lam * softplus(batch.f_p).mean()

    def bound(self, model: Model, x: Tensor, epsilon: Tensor) -> Tensor:
        """That of a VAE."""
        return model.elbo(x, epsilon)
