"""Semi-supervised VAEs: some points have labels, for the others a classifier stands in."""

import itertools
import math
from statistics import NormalDist
from typing import final

import torch
from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch, Model
from trainables.models.spec import CRITIC_X, NOISE, Form, Net
from trainables.objectives.aavae import reversed_discriminator
from trainables.objectives.base import Objective
from trainables.parameters import own, weight

_NETWORKS = {
    "encoder": Net(("x", "y"), "z", explicit=True),
    "decoder": Net(("z", "y"), "x", explicit=True),
    "classifier": Net(("x",), "y", explicit=True),
}


class _SemiSupervised(Objective):
    """What both systems share: the bound of a point with a label and of one without."""

    def bound(self, model: Model, x: Tensor, epsilon: Tensor) -> Tensor:
        """Of log p(x), the label unknown: −U(x)."""
        log_q = model.log_class(x)
        return -(log_q.exp() * (log_q - _joint_bounds(model, x, epsilon, log_q.shape[-1]))).sum(-1)


@final
class SSVAE(_SemiSupervised):
    """SSVAE: CVAE and a classifier q(y|x); where a label is missing the bound is its mean under the classifier.

    Source: Kingma et al. 2014, "Semi-supervised learning with deep generative models", eq. 6 to 9 (M2); the SVAE of
    Hu et al. 2018, §5.2. With p(y) uniform and L(x, y) = −ELBO(x|y) − log p(y):

        1/n {Σ_labelled L(x, y) + Σ_unlabelled [Σ_y q(y|x) L(x, y) − H(q(y|x))]} − λ/(n r) Σ_labelled log q(y|x)

    over the n points of a batch, r the share of the training points that have a label: whatever the batch size, the classifier
    weighs λ in expectation. That is α = λ N of Kingma et al., N points of which the labelled ones are averaged; their λ is 0.1.

    Departures from the paper:
        1. A batch has labelled points as they come, where Kingma et al. draw a fixed number of each kind.
    """

    name = "ssvae"
    version = 2
    label = "SSVAE"
    baselines = ("labels_alone",)
    lam = weight()
    form = Form(_NETWORKS, {"autoencoder": tuple(_NETWORKS)})

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        bound, classified = semi_supervised(batch)
        return bound.mean() + lam * classified.sum()


@final
class LabelsAlone(_SemiSupervised):
    """Labels alone: SSVAE whose classifier learns from the labelled points and from nothing else.

    Source: the supervised baselines of Kingma et al. 2014, table 1. The same classifier takes the same steps on the same batches as
    SSVAE's: what SSVAE gains over it is what the points without labels teach.

        SSVAE's loss at λ = 1, q(y|x) constant in the gradient of the bound
    """

    name = "labels_alone"
    label = "labels alone"
    form = SSVAE.form

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        bound, classified = semi_supervised(batch, taught=False)
        return bound.mean() + classified.sum()


@final
class AASSVAE(_SemiSupervised):
    """AASSVAE: SSVAE that learns from its own points with their labels, as far as they deceive a critic.

    Source: Hu et al. 2018, eq. 23, 48 and 50, §5.2 (AASVAE); D = σ(−f / T).

        critic: E_data s(f(x)) + E_p s(−f(x~))
        the others: SSVAE's loss with each real point weighted by D(x), and − E_p [D(x~) (ELBO(x~|y~) + λ log q(y~|x~))]

    (x~, y~): y~ uniform. D and x~ are constant in the gradient.

    Attributes:
        temperature: T of the weights D = σ(−f / T).

    Departures from the paper:
        1. T = 1.5 in the weights alone, as AAVAE; D(x) also weighs a real point's term of the classifier.
        2. The paper does not say which terms generated points enter: here those of labelled points.
        3. Batches, as SSVAE.
    """

    name = "aassvae"
    version = 2
    label = "AASSVAE"
    baselines = ("ssvae",)
    lam = weight()
    temperature: float = own(1.5, above=0.0)
    form = Form(
        {**_NETWORKS, "critic": CRITIC_X},
        {"critic": ("critic",), "autoencoder": tuple(_NETWORKS)},
        noise=(*NOISE, "u"),
    )

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """As a GAN's, of points generated for labels of their own."""
        fake = self.generated(batch)[0]
        return softplus(batch.f_q).mean() + softplus(-batch.score("critic", "p", x=fake)).mean()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        fake, y = self.generated(batch)
        real, deceived = reversed_discriminator(batch, fake, self.temperature)
        bound, classified = semi_supervised(batch)
        bound_of_fake = batch.labelled(y).elbo(fake, batch.noise["epsilon_again"])
        fake_classified = (y * batch.log_class(fake)).sum(-1)
        return (
            (real * bound).mean()
            + lam * (real * classified).sum()
            - (deceived * (bound_of_fake + lam * fake_classified)).mean()
        )

    def generated(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """x~ [batch, x_dim], constant in the gradient, and its label y~, one-hot [batch, classes]."""
        y = drawn_labels(batch)
        return batch.labelled(y).decode(batch.z, batch.noise["xi"]).detach(), y


def semi_supervised(batch: Batch, taught: bool = True) -> tuple[Tensor, Tensor]:
    """L(x, y) or U(x) of each point [batch], and −log q(y|x) / (n r) [batch], 0 of points without a label.

    Args:
        taught: whether the bound has a gradient in the classifier.
    """
    assert batch.y is not None
    y, known = batch.y, batch.y.sum(-1, keepdim=True)
    log_q = batch.log_class(batch.x)
    log_guess = log_q if taught else log_q.detach()
    q = (1 - known) * log_guess.exp()
    joint = _joint_bounds(batch, batch.x, batch.noise["epsilon"], y.shape[-1])
    labelled = len(y) * batch.data.labelled
    return (q * log_guess - (y + q) * joint).sum(-1), -(y * log_q).sum(-1) / labelled


def drawn_labels(batch: Batch) -> Tensor:
    """Labels from the noise u, uniform, one-hot [batch, classes]."""
    assert batch.y is not None
    u, classes = batch.noise["u"], batch.y.shape[-1]
    above = [
        0.5 * (1 + torch.sgn(u - NormalDist().inv_cdf(c / classes))) for c in range(1, classes)
    ]  # u is above a share of 1 − c / classes of the normal's mass
    steps = [torch.ones_like(u), *above, torch.zeros_like(u)]
    return torch.cat([a - b for a, b in itertools.pairwise(steps)], -1)


def _joint_bounds(model: Model, x: Tensor, epsilon: Tensor, classes: int) -> Tensor:
    """ELBO(x|y) + log p(y) = −L(x, y) for every label, [batch, classes]."""
    one, zero = torch.ones_like(x[:, :1]), torch.zeros_like(x[:, :1])
    y = torch.cat([torch.cat([one if k == c else zero for k in range(classes)], -1) for c in range(classes)])
    elbo = model.labelled(y).elbo(torch.cat([x] * classes), torch.cat([epsilon] * classes))
    return elbo.unflatten(0, (classes, -1)).t() - math.log(classes)
