"""AAE: an autoencoder whose codes are matched to the prior by a critic."""

from typing import final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch
from trainables.models.spec import CRITIC_Z, DECODER, ENCODER, Form
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
