"""AVB: adversarial variational Bayes."""

from dataclasses import replace
from typing import ClassVar, final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch, Model
from trainables.models.densities import log_prior
from trainables.models.spec import CRITIC, CRITIC_X, CRITIC_Z, ENCODER, EXPLICIT_DECODER, Form, Net
from trainables.objectives.base import Objective
from trainables.parameters import own


class RatioObjective(Objective):
    """An encoder that can only be sampled, and a critic T that stands for the log-ratio of its density to the prior's.

    Attributes:
        critic_steps: critic steps for each step of encoder and decoder.
        prior_added: whether T is a network's score − log p(z), so that the network has to learn log q alone.
    """

    form = Form(
        {"encoder": ENCODER, "decoder": EXPLICIT_DECODER, "critic": CRITIC},
        {"critic": ("critic",), "autoencoder": ("encoder", "decoder")},
        critic_every_step=True,
    )
    critic_steps: int = own(3, least=1)
    prior_added: ClassVar[bool] = False

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self.form = replace(self.form, critic_steps=self.critic_steps)

    def score(self, model: Model, side: str, x: Tensor, z: Tensor) -> Tensor:
        """Score of the critic's networks, [batch]; `side` as of `Model.score`."""
        return model.score("critic", side, x=x, z=z)

    def log_ratio(self, model: Model, side: str, x: Tensor, z: Tensor) -> Tensor:
        """T(x, z), [batch]."""
        score = self.score(model, side, x, z)
        return score - log_prior(z) if self.prior_added else score

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """Eq. 3.3, negated."""
        prior = self.log_ratio(batch, "p", batch.x, batch.z)
        return softplus(-self.log_ratio(batch, "q", batch.x, batch.z_q)).mean() + softplus(prior).mean()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Eq. 3.9, negated; λ is not used."""
        return -(batch.log_p(batch.x, batch.z_q) - self.log_ratio(batch, "q", batch.x, batch.z_q)).mean()


class AVBObjective(RatioObjective):
    """T sees x and z, and with it the evidence lower bound can be estimated (eq. 3.4)."""

    def bound(self, model: Model, x: Tensor, epsilon: Tensor) -> Tensor:
        """Eq. 3.5; too high or too low where T is not at its optimum: T* + c gives the bound − c."""
        z = model.encode(x, epsilon)
        return model.log_p(x, z) - self.log_ratio(model, "q", x, z)


@final
class AVB(AVBObjective):
    """AVB: the evidence lower bound of an encoder that can only be sampled; a critic stands for its density.

    Source: Mescheder et al. 2017, eq. 3.3 and 3.9, algorithm 1.

        critic: E_q s(−T(x, z~)) + E s(T(x, z));   encoder and decoder: −E_q [log p(x|z~) − T(x, z~)]

    T's optimum is log q(z|x) − log p(z) (eq. 3.4).

    Departures from the paper:
        1. T is one network of the concatenated pair, not the inner product of one of x and one of z.
        2. Three steps of T (`critic_steps`) before each step of encoder and decoder: algorithm 1 has one, the Eight Schools of §5.1 two.
    """

    name = "avb"
    label = "AVB"
    baselines = ("vae", "vae_full_rank")
    version = 2


@final
class AVBPrior(AVBObjective):
    """AVB, log-prior in T: T(x, z) = t(x, z) − log p(z), so that the network t has to learn log q(z|x) alone.

    Source: Mescheder et al. 2017, supplement (the experiment on CelebA).

    Departures from the paper: as AVB.
    """

    name = "avb_prior"
    label = "AVB, log-prior in T"
    baselines = ("avb",)
    prior_added = True


@final
class AVBFGAN(AVBObjective):
    """AVB, f-GAN critic: T estimates the divergence itself, as the dual of Kullback and Leibler's, in a game of zero sum.

    Source: Mescheder et al. 2017, §6.3, eq. 6.9 and 6.10.

        critic: E exp(T(x, z) − 1) − E_q T(x, z~);   encoder and decoder: −E_q [log p(x|z~) − T(x, z~)] − E exp(T(x, z) − 1)

    T's optimum is 1 + log q(z|x) − log p(z), where the critic's loss is −KL(q(z|x) ‖ p(z)) and E exp(T − 1) = 1. The paper
    observed that it "results in unstable training".

    Departures from the paper: as AVB, and
        3. E exp(T − 1), in which encoder and decoder have no part, stands at its optimum, 1, in their loss.
    """

    name = "avb_f_gan"
    label = "AVB, f-GAN critic"
    baselines = ("avb",)

    def log_ratio(self, model: Model, side: str, x: Tensor, z: Tensor) -> Tensor:
        """T(x, z) − 1, [batch]."""
        return super().log_ratio(model, side, x, z) - 1

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """Eq. 6.10."""
        prior = self.log_ratio(batch, "p", batch.x, batch.z)
        return prior.exp().mean() - (self.log_ratio(batch, "q", batch.x, batch.z_q) + 1).mean()


@final
class AVBSum(AVBObjective):
    """AVB, three critics: T(x, z) = T_0(x, z) + T_1(x) + T_2(z).

    Source: Mescheder et al. 2017, §5.2, the adversary on MNIST: "we added the result of neural networks acting on x and z alone".

    Departures from the paper: as AVB, 2.
    """

    name = "avb_sum"
    label = "AVB, T₀(x, z) + T₁(x) + T₂(z)"
    baselines = ("avb",)
    critics: ClassVar[dict[str, Net]] = {"critic": CRITIC, "critic_x": CRITIC_X, "critic_z": CRITIC_Z}
    form = replace(
        AVBObjective.form,
        networks={"encoder": ENCODER, "decoder": EXPLICIT_DECODER, **critics},
        players={"critic": tuple(critics), "autoencoder": ("encoder", "decoder")},
    )

    def score(self, model: Model, side: str, x: Tensor, z: Tensor) -> Tensor:
        """T_0 + T_1 + T_2, [batch]."""
        together = model.score("critic", side, x=x, z=z)
        return together + model.score("critic_x", side, x=x) + model.score("critic_z", side, z=z)


@final
class AVBInner(AVBObjective):
    """AVB, inner product: T(x, z) = a(x) · b(z) of two networks.

    Source: Mescheder et al. 2017, §5.2, the adversary of the synthetic example.

    Attributes:
        features: dimensions of a and of b.

    Departures from the paper: as AVB, 2, and
        3. Sixteen `features` by default; the paper has 512, as many as hidden units.
    """

    name = "avb_inner"
    label = "AVB, inner product"
    baselines = ("avb",)
    features: int = own(16, least=1)

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        a, b = (Net((seen,), "features", width=self.features, adversarial=True) for seen in ("x", "z"))
        self.form = replace(
            self.form,
            networks={"encoder": ENCODER, "decoder": EXPLICIT_DECODER, "critic_x": a, "critic_z": b},
            players={"critic": ("critic_x", "critic_z"), "autoencoder": ("encoder", "decoder")},
        )

    def score(self, model: Model, side: str, x: Tensor, z: Tensor) -> Tensor:
        """a(x) · b(z), [batch]."""
        return (model.score("critic_x", side, x=x) * model.score("critic_z", side, z=z)).sum(-1)
