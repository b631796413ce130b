"""What an objective is: one loss per player, for one model and one batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from types import CodeType
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor
from torch.nn.functional import softplus

from result_names import variant
from trainables.models.batch import Batch, Model
from trainables.models.spec import CRITIC, DECODER, ENCODER, Form
from trainables.parameters import Weight, declared

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet


class Objective(ABC):
    """A system: what networks it has and who trains them, and what each player minimises.

    A player's loss is the method of its name: a scalar that the player minimises, from a batch and λ. A system whose losses read λ
    declares it, `lam = weight()`: any other is trained once for all λ.
    Final subclasses set the attributes.

    Hyper-parameters of its own are declared in its class with `own`. They are no part of a configuration: runs that differ in them
    alone see the same random draws, and pair.

    Args:
        values: of its own hyper-parameters, where they are not the defaults.

    Raises:
        ValueError: it has no such hyper-parameter, or a value is out of bounds.

    Attributes:
        name: what a study calls it; with values of its own hyper-parameters, where they are not the defaults.
        version: raised where its results change: to a store it is another system then, and old rows stay what they were.
        label: what reports call it.
        colour: in figures and charts, #RRGGBB; '' for one that it is given beside the others of a study.
        baselines: names of the systems that its paper compares it with, the most important first: a report compares them pair by pair.
        form: its networks, and who trains them.
        lam: λ, where its losses read it; None where they do not.
    """

    name: str
    version: ClassVar[int] = 1
    label: ClassVar[str]
    colour: ClassVar[str] = ""
    baselines: ClassVar[tuple[str, ...]] = ()
    form: Form
    lam: ClassVar[Weight | None] = None

    def __init__(self, **values: object) -> None:
        known = declared(type(self))
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"{self.name} has {_listed(known)} of its own, got {name!r}")
            vars(self)[name] = known[name].check(value)
        self.called(self.name)

    def called(self, name: str) -> Objective:
        """Itself, by this name, which values of its own hyper-parameters follow where they are not the defaults."""
        known = declared(type(self))
        self.plain = name
        self.name = variant(name, {n: v for n, v in self.own.items() if v != known[n].default})
        return self

    @property
    def own(self) -> dict[str, int | float]:
        """Hyper-parameter of its own -> value."""
        return {name: getattr(self, name) for name in declared(type(self))}

    @property
    def hyper_parameters(self) -> dict[str, float | None]:
        """Hyper-parameter of its own -> default, first `lam`, without one, where it reads λ."""
        own = {name: float(one.default) for name, one in declared(type(self)).items()}
        return {**({"lam": None} if self.lam else {}), **own}

    def changed(self, values: Mapping[str, object]) -> Objective:
        """The objective with these values of its own hyper-parameters. Raises ValueError as the class."""
        return type(self)(**{**self.own, **values}).called(self.plain)

    @property
    def kind(self) -> str:
        """Equal of two objectives whose runs can share a cohort: of one form, and both with a bound or both without."""
        return f"{self.form.key} {self.has_bound}"

    @property
    def has_bound(self) -> bool:
        """Whether it has a lower bound on log p(x), for which the prior of codes must have a density."""
        return type(self).bound is not Objective.bound

    def loss(self, player: str, batch: Batch, lam: Tensor) -> Tensor:
        """Loss of a player, a scalar. Raises ValueError where it reads λ, and the system does not declare it."""
        value: Tensor = getattr(self, player)(batch, lam if self.lam else _Undeclared(self.name))
        return value

    def critic(self, batch: Batch, lam: Tensor) -> Tensor:
        """E_q s(f) + E_p s(−f), with s(t) = log(1 + exp t): Pu et al. 2017, eq. 10 (negated).

        Its optimum is f = log p − log q of what the critic sees (eq. 11).
        """
        return softplus(batch.f_q).mean() + softplus(-batch.f_p).mean()

    def bound(self, model: Model, x: Tensor, epsilon: Tensor) -> Tensor | None:
        """Its estimate of the evidence lower bound at points x [n, x_dim], in nats: [n]; None if it has none.

        ε [n, d] is that of one code a point, or of each of the form's `codes` beside each other.
        """
        return None

    def reads(self, method: str) -> dict[str, object]:
        """A method of its class and all that the method reads of the class, by name: equal of two objectives, it is one method."""
        found: dict[str, object] = {}
        names = {method}
        while names:
            name = names.pop()
            if name not in found and hasattr(type(self), name):
                found[name] = vars(self).get(name, getattr(type(self), name))
                names |= _named(getattr(found[name], "__code__", None))
        return found

    def misfit(self, batch_size: int) -> str | None:
        """What it needs of a batch's size that this one has not; None where it can be trained on such batches."""
        return None

    def refusal(self, data: DataSet) -> str | None:
        """What it needs that the data have not, as in 'needs continuous data'; None where it can be trained on them."""
        return None

    @abstractmethod
    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar that encoder and decoder, whichever there are, minimise together."""


class _Undeclared:
    """In place of λ where a system does not declare it: its runs are trained once for all λ, and so must not depend on it."""

    def __init__(self, objective: str) -> None:
        self.objective = objective

    def __getattr__(self, name: str) -> Any:
        raise ValueError(f"an objective that reads λ must declare it, got {self.objective}, which does not; add "
                         "lam = weight() to its class")  # fmt: skip

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        found = next(one for one in arguments if isinstance(one, cls))
        return found.read


def _listed(known: Iterable[str]) -> str:
    return f"the hyper-parameters {', '.join(known)}" if known else "no hyper-parameter"


def _named(code: object) -> set[str]:
    """Every attribute and global that a function's code names."""
    if not isinstance(code, CodeType):
        return set()
    return {*code.co_names}.union(*map(_named, code.co_consts))


class BoundObjective(Objective):
    """A system that maximises the evidence lower bound, whose encoder and decoder have densities."""

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss; λ is not used."""
        return -batch.elbo(batch.x, batch.noise["epsilon"]).mean()

    def bound(self, model: Model, x: Tensor, epsilon: Tensor) -> Tensor:
        """What is maximised."""
        return model.elbo(x, epsilon)


class DifferentiableObjective(Objective):
    """A system that differentiates through points x~ of an explicit decoder, and tells their density from the data's."""

    def refusal(self, data: DataSet) -> str | None:
        """Gradients through x~ need continuous data, and a ratio to the density of the data more than one point."""
        if data.binary:
            return (
                "differentiates through x~, which a decoder of binary data samples: it needs continuous data"
            )
        if data.single:
            return "tells generated points from the data's density, which a single observation has not"
        return None


class JointObjective(Objective):
    """A joint adversarial system: implicit encoder and decoder, and the critic of eq. 10 on pairs (x, z)."""

    form = Form(
        {"encoder": ENCODER, "decoder": DECODER, "critic": CRITIC},
        {"critic": ("critic",), "autoencoder": ("encoder", "decoder")},
    )
