"""Adversarial domain adaptation: a classifier for a domain without labels."""

from typing import final

from torch import Tensor
from torch.nn.functional import softplus

from trainables.models.batch import Batch
from trainables.models.spec import Form, Net
from trainables.objectives.base import Objective
from trainables.parameters import weight

FEATURES = 16
"""Features of a point."""


@final
class ADA(Objective):
    """ADA: a classifier of the source's labels, by features in which a critic cannot tell source from target.

    Source: Ganin et al. 2016; Hu et al. 2018, eq. 1 and 2, which are 4 and 5; D = σ(−f).

        critic: E_source s(f(h)) + E_target s(−f(h))
        extractor and classifier: −E_source log q(y|h) + λ {E_source s(−f(h)) + E_target s(f(h))}

    h = G(x) are the features of a point, of one extractor for both domains. λ = 0 learns from the source alone. Labels of the
    target are in no loss.

    Departures from the papers:
        1. Ganin et al. reverse the critic's gradient, the saturating form; eq. 2 is non-saturating, and trains on both domains.
        2. λ is constant, where that of Ganin et al. grows from 0 to 1.
    """

    name = "ada"
    label = "ADA"
    lam = weight()
    form = Form(
        {
            "extractor": Net(("x",), "features", width=FEATURES),
            "classifier": Net(("features",), "y", explicit=True),
            "critic": Net(("features",), "score"),
        },
        {"critic": ("critic",), "autoencoder": ("extractor", "classifier")},
        shared=True,
    )

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """Eq. 1, negated; λ is not used."""
        f_source, f_target = self.scores(batch)
        return softplus(f_source).mean() + softplus(-f_target).mean()

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss: the classifier's own, and eq. 2, negated."""
        assert batch.y is not None
        f_source, f_target = self.scores(batch)
        known = len(batch.y) * batch.data.labelled
        classified = -(batch.y * batch.log_class(batch.x)).sum() / known
        return classified + lam * (softplus(-f_source).mean() + softplus(f_target).mean())

    def scores(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """f of the features of a point of the source and of the target, [batch] each."""
        return (
            batch.score("critic", "q", features=batch.features(batch.x)),
            batch.score("critic", "p", features=batch.features(batch.z)),
        )
