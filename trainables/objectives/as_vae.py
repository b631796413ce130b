"""AS-VAE: the adversarial symmetric variational autoencoder."""

from typing import final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch, shifted
from trainables.models.spec import CRITIC, EXPLICIT_DECODER, GAUSSIAN_ENCODER, Form
from trainables.objectives.base import DifferentiableObjective
from trainables.parameters import own

_PAIR = {"encoder": GAUSSIAN_ENCODER, "decoder": EXPLICIT_DECODER}
_CRITICS = {"critic_1": CRITIC, "critic_2": CRITIC}
_TRAINED = ("encoder", "decoder")


def critic_of_x(batch: Batch) -> Tensor:
    """Eq. 5: E_q s(−f1(x, z~)) + E s(f1(x~', z)), x~' and z independent; optimum log q(x, z) − log p(x) p(z)."""
    apart = batch.score("critic_1", "p", x=batch.x_p, z=shifted(batch.z))
    return softplus(-_f1(batch)).mean() + softplus(apart).mean()


def critic_of_z(batch: Batch) -> Tensor:
    """Eq. 6: E_p s(−f2(x~, z)) + E s(f2(x, z~')), x and z~' independent; optimum log p(x, z) − log q(z) q(x)."""
    apart = batch.score("critic_2", "q", x=batch.x, z=shifted(batch.z_q))
    return softplus(-_f2(batch)).mean() + softplus(apart).mean()


def bound_of_x(batch: Batch) -> Tensor:
    """First half of eq. 11: E_q [log p(x|z~) − f1(x, z~)]."""
    return (batch.log_p(batch.x, batch.z_q) - _f1(batch)).mean()


def bound_of_z(batch: Batch) -> Tensor:
    """Second half of eq. 11: E_p [log q(z|x~) − f2(x~, z)]."""
    return (batch.log_q(batch.z, batch.x_p) - _f2(batch)).mean()


def _f1(batch: Batch) -> Tensor:
    return batch.score("critic_1", "q", x=batch.x, z=batch.z_q)


def _f2(batch: Batch) -> Tensor:
    return batch.score("critic_2", "p", x=batch.x_p, z=batch.z)


class _Symmetric(DifferentiableObjective):
    """Both halves of eq. 11."""

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """Both critics' loss."""
        return critic_of_x(batch) + critic_of_z(batch)

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return -bound_of_x(batch) - bound_of_z(batch)


@final
class ASVAE(_Symmetric):
    """AS-VAE: maximises a bound of log p(x) and one of log q(z); two critics estimate their intractable parts.

    Source: Pu et al. 2017 (AS-VAE), eq. 5, 6, 10 and 11.

        critics: E_q s(−f1(x, z~)) + E s(f1(x~', z)) + E_p s(−f2(x~, z)) + E s(f2(x, z~'))
        encoder and decoder: −E_q [log p(x|z~) − f1] − E_p [log q(z|x~) − f2]

    Departures from the paper:
        1. The independent partner of a point is that of its neighbour in the batch, not a draw of its own.
        2. Gaussian (the paper's choice for CIFAR-10 and ImageNet); `as_vae_flow` has the flow of MNIST.
        3. Trained for the whole budget; the paper stops where the validation reconstruction is best (§5).
        4. Bits per dimension from the density of pixels with uniform noise, which bounds the mass p(x ∈ [i/256, (i+1)/256]|z).
    """

    name = "as_vae"
    label = "AS-VAE"
    form = Form({**_PAIR, **_CRITICS}, {"critic": tuple(_CRITICS), "autoencoder": _TRAINED})


@final
class ASVAEFlow(_Symmetric):
    """AS-VAE-NF: AS-VAE whose encoder and decoder are Gaussians bent by planar flows.

    Source: Pu et al. 2017 (AS-VAE), §5: "approximated with a normalizing flow"; the losses are those of AS-VAE.

    Attributes:
        length: planar layers of each flow.

    Departures from the paper: as AS-VAE, 1, 3 and 4, and
        2. `length` layers, four by default, where the paper has 80.
        5. log p(x|z~) and log q(z|x~) invert the flow by bisection; the paper does not say how it evaluates them.
        6. Layers are functions of the condition, and w·u > −1 is held by another function (`trainables.models.planar`).

    Versions: 2 takes what the layers have in common for all of them at once, which rounds in another order.
    """

    name = "as_vae_flow"
    label = "AS-VAE-NF"
    version = 2
    length: int = own(4, least=1)
    form = ASVAE.form

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self.form = self.form.bent("encoder", self.length).bent("decoder", self.length)


@final
class ASVAEr(DifferentiableObjective):
    """AS-VAE-r: the half that reconstructs.

    Source: Pu et al. 2017 (AS-VAE), §5; eq. 5 and the first half of eq. 11.

        critic: E_q s(−f1(x, z~)) + E s(f1(x~', z));   encoder and decoder: −E_q [log p(x|z~) − f1]

    Departures from the paper: as AS-VAE.
    """

    name = "as_vae_r"
    label = "AS-VAE-r"
    form = Form({**_PAIR, "critic_1": CRITIC}, {"critic": ("critic_1",), "autoencoder": _TRAINED})

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """Eq. 5."""
        return critic_of_x(batch)

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return -bound_of_x(batch)


@final
class ASVAEg(DifferentiableObjective):
    """AS-VAE-g: the half that generates.

    Source: Pu et al. 2017 (AS-VAE), §5; eq. 6 and the second half of eq. 11.

        critic: E_p s(−f2(x~, z)) + E s(f2(x, z~'));   encoder and decoder: −E_p [log q(z|x~) − f2]

    Departures from the paper: as AS-VAE.
    """

    name = "as_vae_g"
    label = "AS-VAE-g"
    form = Form({**_PAIR, "critic_2": CRITIC}, {"critic": ("critic_2",), "autoencoder": _TRAINED})

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """Eq. 6."""
        return critic_of_z(batch)

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return -bound_of_z(batch)
