"""CycleGAN: a translation between two domains and back."""

from typing import final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch
from trainables.models.spec import CRITIC_X, CRITIC_Z, Form, Net
from trainables.objectives.base import Objective
from trainables.parameters import weight


@final
class CycleGAN(Objective):
    """CycleGAN: a GAN in each of two domains, and both translations one after the other are the identity.

    Source: Zhu et al. 2017, eq. 1 to 3; Hu et al. 2018, §3.2.3: InfoGAN for x and AAE for z, both of which are data.

        critics: E_data s(f_x(x)) + E s(−f_x(x~)) + E s(f_z(z~)) + E_data s(−f_z(z))
        encoder and decoder: E s(f_x(x~)) + E s(−f_z(z~)) + λ (R_x + R_z)

    x~ = x_θ(z) of points z of the second domain and z~ = z_φ(x) are the translations; f_x estimates log p(x) − log q(x) as a GAN's,
    f_z as an AAE's the same of z. On data without a second domain z ~ N(0, I).

    Departures from the papers:
        1. Non-saturating, as GAN; Zhu et al. train with least squares.
        2. The cycle's errors are squares, in nats (`Batch.R_x`), where Zhu et al. have absolute values and λ = 10.
        3. No pool of earlier translations, and no identity loss.
    """

    name = "cyclegan"
    label = "CycleGAN"
    baselines = ("alice",)
    lam = weight()
    form = Form(
        {
            "encoder": Net(("x",), "z"),
            "decoder": Net(("z",), "x"),
            "critic_x": CRITIC_X,
            "critic_z": CRITIC_Z,
        },
        {"critic": ("critic_x", "critic_z"), "autoencoder": ("encoder", "decoder")},
    )

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """Both critics' loss."""
        real_x, real_z = batch.score("critic_x", "q", x=batch.x), batch.score("critic_z", "p", z=batch.z)
        of_x = softplus(real_x).mean() + softplus(-self.f_x(batch)).mean()
        return of_x + softplus(self.f_z(batch)).mean() + softplus(-real_z).mean()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        adversarial = softplus(self.f_x(batch)).mean() + softplus(-self.f_z(batch)).mean()
        return adversarial + lam * (batch.R_x + batch.R_z)

    def f_x(self, batch: Batch) -> Tensor:
        """f_x(x~), [batch]."""
        return batch.score("critic_x", "p", x=batch.x_p)

    def f_z(self, batch: Batch) -> Tensor:
        """f_z(z~), [batch]."""
        return batch.score("critic_z", "q", z=batch.z_q)
