"""AAE: an autoencoder whose codes are matched to the prior by a critic, after the squashing and before it."""

from dataclasses import replace
from typing import final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch
from trainables.models.spec import CRITIC_Z, DECODER, ENCODER, EXPLICIT_DECODER, Form
from trainables.objectives.avb import RatioObjective
from trainables.objectives.base import Objective
from trainables.parameters import weight


@final
class AAE(Objective):
    """AAE: reconstruction, and a critic on z alone, q(z) against p(z).

    Source: Makhzani et al. 2015; Hu et al. 2018, appendix C; Mescheder et al. 2017, §6.2.

        critic: E_q s(f) + E_p s(−f);   encoder and decoder: E_q s(−f) + λ R_x

    Departures from the paper:
        1. Non-saturating, in one step with the reconstruction in nats, which λ weights.
        2. The encoder is implicit (the paper's "universal approximator posterior").
        3. The decoder takes noise ξ beside z, as the joint systems' does; the paper's is deterministic.
    """

    name = "aae"
    label = "AAE"
    lam = weight()
    form = Form(
        {"encoder": ENCODER, "decoder": DECODER, "critic": CRITIC_Z},
        {"critic": ("critic",), "autoencoder": ("encoder", "decoder")},
    )

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        return softplus(-batch.f_q).mean() + lam * batch.R_x


@final
class AAELogRatio(RatioObjective):
    """AAE, before the squashing: AVB whose T sees z alone.

    Source: Mescheder et al. 2017, §6.2, eq. 6.3 and 6.4.

        critic: E_q s(−T(z~)) + E s(T(z));   encoder and decoder: −E_q [log p(x|z~) − T(z~)]

    T's optimum is log q(z) − log p(z) of q(z) = E q(z|x). The loss is then −E_q log p(x|z~) + KL(q(z) ‖ p(z)): a VAE's without the
    mutual information of x and z, and no bound on log p(x). AVB's of a single observation.

    Departures from the paper:
        1. Three steps of T (`critic_steps`) before each step of encoder and decoder, as AVB.
        2. The encoder is implicit, as AVB's.
    """

    name = "aae_log_ratio"
    label = "AAE, before the squashing"
    baselines = ("aae", "avb")
    form = replace(
        RatioObjective.form,
        networks={"encoder": ENCODER, "decoder": EXPLICIT_DECODER, "critic": CRITIC_Z},
    )
