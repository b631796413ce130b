"""Hyper-parameters as the part that reads them declares them: typed, with bounds."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any

KINDS: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,)}
BOUNDS = ("least", "above", "most", "below", "multiple")


class Parameter:
    """A hyper-parameter that a part declares in its class: `width: int = structural(least=1)`.

    Of an instance it reads as its value, of the class as its default.

    Args:
        default: its value where none is given; MISSING where one must be. It is then in no key: runs that have it keep the keys
            that they had before there was the hyper-parameter.
        structural: whether it sets shapes, so that the runs of one cohort agree in it.
        rule: bounds as of `checked`; `among`, the words that it may be; `part`, the kind of part that it names
            (`trainables.parts`); `follows`, the attribute of the data set that it is where it is None; `roles`, the networks that
            read it, of a network's that not all do.

    Attributes:
        name: the attribute's name.
        kind: 'int', 'float' or 'str', as annotated; without an annotation its default's.
        description: what it is, as the docstring of its class says under `Attributes:`; '' where it says nothing.
    """

    def __init__(self, default: Any, structural: bool, rule: Mapping[str, Any]) -> None:
        self.default, self.structural, self.rule = default, structural, rule
        self.name, self.kind, self.owner, self.description = "", "", "", ""

    def __set_name__(self, owner: type, name: str) -> None:
        annotation = vars(owner).get("__annotations__", {}).get(name, type(self.default))
        words = (
            annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
        )
        self.name, self.kind = name, words.removesuffix(" | None")
        self.owner = f"{owner.__module__}:{owner.__qualname__}"
        self.description = _attributes(owner).get(name, "")

    def __get__(self, instance: object, owner: type) -> Any:
        if self.default is MISSING:
            raise AttributeError(f"{self.owner} has no value of {self.name}, which has no default")
        return self.default  # an instance's own value comes before

    @property
    def optional(self) -> bool:
        """Whether a value need not be given."""
        return self.default is not MISSING

    @property
    def follows(self) -> str:
        """Name of the data set's attribute that it is where it is None; '' for none."""
        return str(self.rule.get("follows", ""))

    def value_without(self, data: object) -> Any:
        """Its value on a data set in a run from before there was the hyper-parameter; None where that run has no such thing."""
        if not self.optional:
            return None
        return getattr(data, self.follows) if self.default is None else self.default

    def validate(self) -> None:
        """Raises ValueError where its declaration is not whole: no type, no bounds, or a default that is out of them."""
        what = f"{self.owner}.{self.name}"
        if self.kind not in KINDS:
            raise ValueError(f"{what} must be annotated as int, float or str, got {self.kind}")
        bounds = [name for name in self.rule if name in BOUNDS]
        if self.kind == "str" and not {"among", "part"} & set(self.rule):
            raise ValueError(
                f"{what} must say which words it may be, such as among=('relu', 'tanh'), got none"
            )
        if self.kind != "str" and not bounds:
            raise ValueError(f"{what} must have bounds ({', '.join(BOUNDS)}), such as least=1, got none")
        if self.optional and not (self.default is None and self.follows):
            try:
                self.check(self.default)
            except ValueError as error:
                raise ValueError(f"the default of {what} must be within its own bounds: {error}") from None

    def check(self, value: object) -> Any:
        """The value, of its type; words are read as numbers. Raises ValueError as `checked`."""
        if value is None and self.follows:
            return None
        if isinstance(value, str) and self.kind != "str":
            try:
                value = int(value) if self.kind == "int" else float(value)
            except ValueError:
                raise ValueError(f"{self.name} must be {self.kind}, got {value!r}") from None
        return checked(self.name, value, self.kind, self.rule)


def _attributes(owner: type) -> dict[str, str]:
    """Attribute -> what the docstring of a class says of it: sections `Attributes:` of lines `name, other: words`, indented alike."""
    found: dict[str, str] = {}
    names: list[str] = []
    depth = 0
    _, _, section = inspect.cleandoc(owner.__doc__ or "").partition("\nAttributes:\n")
    for line in section.splitlines():
        indent = len(line) - len(line.lstrip())
        if not indent:  # the section's end
            break
        depth = depth or indent
        before, colon, after = line.strip().partition(": ")
        if indent == depth and colon:
            names, text = before.split(", "), after
        else:
            text = line.strip()
        found |= {name: f"{found[name]} {text}" if indent > depth else text for name in names}
    return {name: text.removesuffix(".") for name, text in found.items()}


def structural(*, default: Any = MISSING, **rule: Any) -> Any:
    """A hyper-parameter that sets shapes: runs of one cohort agree in it. Arguments as of `Parameter`."""
    return Parameter(default, True, rule)


def fusible(*, default: Any = MISSING, **rule: Any) -> Any:
    """A hyper-parameter that may differ between the members of a cohort. Arguments as of `Parameter`."""
    return Parameter(default, False, rule)


def own(default: int | float | str, **bounds: Any) -> Any:
    """A hyper-parameter of an objective's or a data set's own: `temperature: float = own(1.5, above=0.0)`."""
    return Parameter(default, False, bounds)


def checked(name: str, value: object, kind: str, rule: Mapping[str, Any]) -> Any:
    """The value of a hyper-parameter, of its type.

    Args:
        name: its name.
        value: what is given for it.
        kind: 'int'; 'float', for which an int will do; or 'str'.
        rule: bounds: least, most (themselves allowed), above, below (not), multiple; of words `among`.

    Raises:
        ValueError: it is of another type, not finite, or out of bounds.
    """
    if isinstance(value, bool) or not isinstance(value, KINDS[kind]):
        raise ValueError(f"{name} must be {kind}, got {value!r}")
    if isinstance(value, str):
        if value not in rule.get("among", (value,)):
            raise ValueError(f"{name} must be one of {', '.join(rule['among'])}, got {value!r}")
        return value
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


class Part:
    """A part of a run that declares hyper-parameters: an instance has their values as attributes.

    Args:
        values: hyper-parameter -> value, or of members of a cohort their values.

    Attributes:
        name: what a study calls it.
    """

    name: str = ""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)


class Weight:
    """λ as an objective that weighs terms by it declares it, `lam = weight()`: its value is the run's, and its losses are handed it."""


def weight() -> Any:
    """λ of an objective (`Weight`)."""
    return Weight()


def declared(part: type) -> dict[str, Parameter]:
    """Name -> hyper-parameter that a class, or one that it inherits from, declares.

    Raises:
        ValueError: a declaration is not whole.
    """
    found: dict[str, Parameter] = {}
    for kind in reversed(part.__mro__):
        found |= {name: value for name, value in vars(kind).items() if isinstance(value, Parameter)}
    for parameter in found.values():
        parameter.validate()
    return found
