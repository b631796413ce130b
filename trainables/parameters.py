"""Hyper-parameters as the part that reads them declares them: typed, with bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, field
from typing import Any

KINDS = {"int": (int,), "float": (int, float)}


def structural(*, default: Any = MISSING, **bounds: Any) -> Any:
    """A field of a configuration that sets shapes: runs of one cohort agree in it.

    Args:
        default: its value where none is given. It is then in no key: configurations that have it keep the keys that they had before
            there was the hyper-parameter.
        bounds: as of `checked`.
    """
    return field(default=default, metadata={"structural": True, **bounds})


def fusible(*, default: Any = MISSING, **bounds: Any) -> Any:
    """A field of a configuration that may differ between the members of a cohort; arguments as of `structural`."""
    return field(default=default, metadata={"structural": False, **bounds})


def checked(name: str, value: object, kind: str, rule: Mapping[str, Any]) -> int | float:
    """The value of a hyper-parameter, of its type.

    Args:
        name: its name.
        value: what is given for it.
        kind: 'int' or 'float', for which an int will do.
        rule: bounds: least, most (themselves allowed), above, below (not), multiple.

    Raises:
        ValueError: it is of another type, not finite, or out of bounds.
    """
    if isinstance(value, bool) or not isinstance(value, KINDS[kind]):
        raise ValueError(f"{name} must be {kind}, got {value!r}")
    assert isinstance(value, (int, float))
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    for bad, words in (
        ("least" in rule and value < rule.get("least", value), f">= {rule.get('least')}"),
        ("above" in rule and value <= rule.get("above", value), f"> {rule.get('above')}"),
        ("most" in rule and value > rule.get("most", value), f"<= {rule.get('most')}"),
        ("below" in rule and value >= rule.get("below", value), f"< {rule.get('below')}"),
        (bool(value % rule.get("multiple", value or 1)), f"a multiple of {rule.get('multiple')}"),
    ):
        if bad:
            raise ValueError(f"{name} must be {words}, got {value}")
    return float(value) if kind == "float" else value


class Own:
    """A hyper-parameter of an objective's own, declared in its class: `temperature: float = own(1.5, above=0.0)`.

    Of an instance it reads as its value, of the class as its default.

    Args:
        default: its value where none is given, of its type. Runs that have it keep their keys.
        rule: bounds as of `checked`.
    """

    def __init__(self, default: int | float, rule: Mapping[str, Any]) -> None:
        self.default, self.rule = default, rule

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        checked(name, self.default, self.kind, self.rule)

    def __get__(self, instance: object, owner: type) -> int | float:
        return self.default  # an instance's own value comes before

    @property
    def kind(self) -> str:
        """'int' or 'float'."""
        return type(self.default).__name__

    def check(self, value: object) -> int | float:
        """The value, of its type; words are read as numbers. Raises ValueError as `checked`."""
        if isinstance(value, str):
            try:
                value = int(value) if self.kind == "int" else float(value)
            except ValueError:
                raise ValueError(f"{self.name} must be {self.kind}, got {value!r}") from None
        return checked(self.name, value, self.kind, self.rule)


def own(default: int | float, **bounds: Any) -> Any:
    """A hyper-parameter of an objective's own (`Own`)."""
    return Own(default, bounds)


class Weight:
    """λ as an objective that weighs terms by it declares it, `lam = weight()`: its value is the run's, and its losses are handed it."""


def weight() -> Any:
    """λ of an objective (`Weight`)."""
    return Weight()


def declared(part: type) -> dict[str, Own]:
    """Name -> hyper-parameter that a class, or one that it inherits from, declares as its own."""
    found: dict[str, Own] = {}
    for kind in reversed(part.__mro__):
        found |= {name: value for name, value in vars(kind).items() if isinstance(value, Own)}
    return found


def variant(name: str, values: Mapping[str, int | float]) -> str:
    """The name of an algorithm with values of its own hyper-parameters: `aavae:temperature=3`; its own name for none."""
    words = ",".join(f"{parameter}={_exact(value)}" for parameter, value in values.items())
    return f"{name}:{words}" if words else name


def split_variant(algorithm: str) -> tuple[str, str]:
    """Name of an algorithm, and values of its own hyper-parameters as its variant's name has them; '' for none."""
    name, _, words = algorithm.rpartition(":")
    return (name, words) if name and "=" in words else (algorithm, "")


def own_values(algorithm: str) -> dict[str, str]:
    """Hyper-parameter -> value of an algorithm's own ones, as its name has them: {'temperature': '3'} of aavae:temperature=3.

    Raises:
        ValueError: what follows its name is none.
    """
    found: dict[str, str] = {}
    for words in filter(None, split_variant(algorithm)[1].split(",")):
        name, equals, value = words.partition("=")
        if not (name.isidentifier() and equals and value) or name in found:
            raise ValueError(
                f"an algorithm with hyper-parameters of its own must be like aavae:temperature=3, got {algorithm!r}"
            )
        found[name] = value
    return found


def _exact(value: float) -> str:
    """The six digits of `%g` where they are the number, else as many as tell it from any other."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
