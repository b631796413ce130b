"""A configuration: values of the hyper-parameters that its parts declare, which are the training loop, networks and an optimiser."""

from __future__ import annotations

import difflib
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, final

from trainables import networks, optimisers
from trainables.parameters import Parameter, Part, declared, structural

if TYPE_CHECKING:
    from trainables.datasets.base import DataSet

VECTOR = 32
"""Batch sizes are multiples of this, so that no element of a member falls into the scalar tail of a
vectorised CPU loop, where exp and log round differently: a run's bits do not depend on its neighbours."""

ROLES = ("encoder", "decoder", "critic")
"""Roles of networks; each role has a network of its own."""

_FIND = {"networks": networks.find, "optimisers": optimisers.find}


class Loop(Part):
    """The training loop: its own hyper-parameters, and which parts it trains with.

    Attributes:
        encoder, decoder, critic: names of networks; a classifier is one as an encoder is.
        optimiser: name of an optimiser, of every player.
        z_dim: dimensions of a code; None for the data set's own.
        batch_size: points per step, a multiple of 32, at most the training points of the data set.
        steps: encoder/decoder steps per critic step; an iteration is one critic step and these.
    """

    encoder: str = structural(default="mlp", part="networks")
    decoder: str = structural(default="mlp", part="networks")
    critic: str = structural(default="mlp", part="networks")
    optimiser: str = structural(default="adam", part="optimisers")
    z_dim: int | None = structural(default=None, least=1, follows="z_dim")
    batch_size: int = structural(least=VECTOR, multiple=VECTOR)
    steps: int = structural(least=1)


LOOP = declared(Loop)
NAMED = {name: parameter for name, parameter in LOOP.items() if parameter.rule.get("part")}
"""The hyper-parameters of the loop that name other parts."""


@functools.cache
def declarations(chosen: tuple[tuple[str, str], ...] = ()) -> Mapping[str, Parameter]:
    """Name -> every hyper-parameter of a configuration with these parts, in reading order: networks', loop's, optimiser's.

    Args:
        chosen: (what, part) such as ('encoder', 'mlp'), several of one `what` where any may be; the default of others.

    Raises:
        ValueError: there is no such part, a declaration of it is not whole, or two parts declare one name otherwise.
    """
    given = {what for what, _ in chosen}
    every = [*chosen, *((what, str(p.default)) for what, p in NAMED.items() if what not in given)]
    found: dict[str, Parameter] = {}

    def add(part: type, role: str = "") -> None:
        for name, parameter in declared(part).items():
            if role and role not in parameter.rule.get("roles", ROLES):
                continue
            other = found.setdefault(name, parameter)
            if name in LOOP and part is not Loop:
                raise ValueError(
                    f"{parameter.owner} must not declare {name}, which is the training loop's; rename it"
                )
            if (other.kind, other.structural, other.default) != (
                parameter.kind,
                parameter.structural,
                parameter.default,
            ):
                raise ValueError(f"{name} must be declared alike by {other.owner} and {parameter.owner}, got another type, default "
                                 "or kind (structural or fusible); rename one of them")  # fmt: skip

    for what, name in every:
        if what in ROLES:
            add(type(networks.find(name)), what)
    add(Loop)
    for what, name in every:
        if what == "optimiser":
            add(type(optimisers.find(name)))
    return MappingProxyType(found)


def among(space: Mapping[str, Any]) -> Mapping[str, Parameter]:
    """`declarations` of all parts that a space may choose: hyper-parameter -> its levels, or of one that names no part anything."""
    chosen = [(what, str(level)) for what in NAMED if what in space for level in levels_of(what, space[what])]
    return declarations(tuple(dict.fromkeys(chosen)))


def required() -> dict[str, Parameter]:
    """The hyper-parameters that a configuration of the default parts must have."""
    return {name: parameter for name, parameter in declarations().items() if not parameter.optional}


def levels_of(what: str, dimension: Any) -> Iterable[Any]:
    """Names of the parts that a dimension of a space may choose. Raises ValueError where it has none."""
    if isinstance(dimension, str) or not isinstance(dimension, Iterable):
        raise ValueError(
            f"{what} must have names of parts as its levels, such as ('{NAMED[what].default}',), got {dimension!r}"
        )
    return dimension


@final
@functools.total_ordering
class Configuration:
    """One point of a search space: what is shared by all algorithms that train it.

    Args:
        values: hyper-parameter -> value of the training loop (`Loop`), the networks and the optimiser that it names.

    Attributes:
        values: all of them in reading order, with defaults.

    Raises:
        ValueError: a part is unknown, a hyper-parameter is missing, or no part declares it, or a value is out of bounds.
    """

    values: dict[str, Any]

    def __init__(self, **values: Any) -> None:
        chosen = tuple((what, checked_name(what, values[what])) for what in NAMED if what in values)
        known = declarations(chosen)
        for name in values:
            if name not in known:
                raise ValueError(undeclared(name, known, dict(chosen)))
        missing = [name for name, parameter in known.items() if name not in values and not parameter.optional]
        if missing:
            raise ValueError(f"a configuration must have {', '.join(known)}; got no {', '.join(missing)}")
        every = {n: p.check(values[n]) if n in values else p.default for n, p in known.items()}
        vars(self)["values"], vars(self)["_known"] = every, known

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "values":  # not there while it is copied
            raise AttributeError(name)
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(f"a configuration has {', '.join(self.values)}, got no {name}") from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a configuration cannot be changed, got {name} = {value!r}; take `changed`")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Configuration) and self.values == other.values

    def __lt__(self, other: Configuration) -> bool:
        return self._order < other._order

    def __hash__(self) -> int:
        return hash(self._order)

    def __repr__(self) -> str:
        return f"Configuration({', '.join(f'{name}={value!r}' for name, value in self.content.items())})"

    def __reduce__(self) -> Any:
        return _made, (self.values,)

    @functools.cached_property
    def _order(self) -> tuple[tuple[object, ...], ...]:
        """Comparable with any other's: by structure, then by the rest."""
        known: Mapping[str, Parameter] = vars(self)["_known"]
        return (
            *self.structure,
            *(_comparable(n, v) for n, v in self.values.items() if not known[n].structural),
        )

    def changed(self, **values: Any) -> Configuration:
        """The configuration with these values in place of its own. Raises ValueError as the class."""
        return Configuration(**{**self.values, **values})

    @functools.cached_property
    def key(self) -> str:
        """Hash of the hyper-parameters; the two algorithms' runs of one configuration pair on it."""
        return content_hash(self.content)

    @functools.cached_property
    def content(self) -> dict[str, Any]:
        """Hyper-parameter -> value, without those that have the default which they declare."""
        known: Mapping[str, Parameter] = vars(self)["_known"]
        return {n: v for n, v in self.values.items() if not (known[n].optional and v == known[n].default)}

    @functools.cached_property
    def structure(self) -> tuple[tuple[object, ...], ...]:
        """The structural hyper-parameters, which the members of a cohort share; comparable with any other's."""
        known: Mapping[str, Parameter] = vars(self)["_known"]
        return tuple(
            _comparable(name, value) for name, value in self.values.items() if known[name].structural
        )

    def on(self, data: DataSet) -> Configuration:
        """The configuration with None in place of a value that is the data set's own: both are one, with one key."""
        known: Mapping[str, Parameter] = vars(self)["_known"]
        same = [n for n, p in known.items() if p.follows and self.values[n] == getattr(data, p.follows)]
        return self.changed(**dict.fromkeys(same)) if same else self

    def values_on(self, data: DataSet) -> dict[str, Any]:
        """Hyper-parameter -> value, of the data set's own where it is None."""
        known: Mapping[str, Parameter] = vars(self)["_known"]
        return {n: getattr(data, known[n].follows) if v is None else v for n, v in self.values.items()}

    def part(self, what: str) -> Any:
        """The network or the optimiser that it names as encoder, decoder, critic or optimiser, with its values."""
        parts: dict[str, Any] = vars(self).setdefault("_parts", {})
        if what not in parts:
            found = _FIND[NAMED[what].rule["part"]](self.values[what])
            names = [name for name in declared(type(found)) if name in self.values]
            parts[what] = type(found)(**{name: self.values[name] for name in names})
            parts[what].name = found.name
        return parts[what]


def fitted(values: Mapping[str, Any]) -> Configuration:
    """The configuration of a point of a space, without what the parts that it chooses do not declare but others of the space do.

    Raises:
        ValueError: as `Configuration`.
    """
    chosen = tuple((what, checked_name(what, values[what])) for what in NAMED if what in values)
    known = declarations(chosen)
    return Configuration(**{name: value for name, value in values.items() if name in known})


def _comparable(name: str, value: object) -> tuple[object, ...]:
    """Ordered among others of the name: no value, numbers, words."""
    return (name, 0) if value is None else (name, 2, value) if isinstance(value, str) else (name, 1, value)


def _made(values: Mapping[str, Any]) -> Configuration:
    return Configuration(**values)


def checked_name(what: str, name: object) -> str:
    """A part's name. Raises ValueError where it is no word."""
    if not isinstance(name, str):
        raise ValueError(f"{what} must be the name of a part, or its import path module:Class, got {name!r}")
    return name


def undeclared(name: str, known: Mapping[str, Parameter], chosen: Mapping[str, str]) -> str:
    """Why a hyper-parameter can be none of a configuration: who declares which, and the nearest."""
    owners: dict[str, list[str]] = {}
    for parameter in known.values():
        owners.setdefault(parameter.owner, []).append(parameter.name)
    near = difflib.get_close_matches(name, known, n=1)
    parts = "; ".join(f"{owner}: {', '.join(names)}" for owner, names in owners.items())
    words = f" with {', '.join(f'{what} {part}' for what, part in chosen.items())}" if chosen else ""
    return f"a hyper-parameter{words} must be one that a part declares ({parts}), got {name!r}" + (
        f"; did you mean {near[0]}?" if near else ""
    )


def content_hash(content: Any) -> str:
    """16 hexadecimal digits of BLAKE2b over canonical JSON; equal content, equal hash."""
    return _hashed(_canonical(content))


def content_hashes(shared: Mapping[str, Any], varying: Sequence[str]) -> Callable[..., str]:
    """Function of the values of `varying` to the `content_hash` of them and what is shared. Of what is shared the text is made once,
    and once for each value of all but the last of `varying`, which is to change fastest.
    """
    names, last = sorted({*shared, *varying}), varying[-1]
    texts = {name: _canonical(value) for name, value in shared.items()}
    keys = {name: _canonical(name) for name in names}
    canonical = functools.lru_cache(4096, typed=True)(_canonical)

    @functools.lru_cache(4096, typed=True)
    def around(*values: Any) -> tuple[str, str]:
        """The text before the value of the last name, and after it."""
        known = {**texts, **dict(zip(varying[:-1], map(_canonical, values), strict=True))}
        pairs = [f"{keys[name]}:{known.get(name, '')}" for name in names]
        place = names.index(last) + 1
        return "{" + ",".join(pairs[:place]), ",".join(["", *pairs[place:]]) + "}"

    def of(*values: Any) -> str:
        before, after = around(*values[:-1])
        return _hashed(before + canonical(values[-1]) + after)

    return of


def _canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _hashed(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
