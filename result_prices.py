"""A price list, in a study's directory or given to a command: what a core, a GPU and a kilowatt-hour cost.

{"currency": "EUR", "per_hour": {"cpu": 0.04, "cuda": 2.5}, "per_kwh": 0.3}
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow.fs as pafs

from result_files import open_directory, write

FILE = "prices.json"


class PricesError(ValueError):
    """A price list is none; the message says the rule and the remedy."""


@dataclass(frozen=True)
class Prices:
    """A price list.

    Attributes:
        currency: its name, as it is printed.
        per_hour: type of a torch device -> price of an hour of a whole one: a core of `cpu`, a GPU of `cuda`.
        per_kwh: price of a kilowatt-hour, on top; None where energy costs nothing more.
    """

    currency: str = ""
    per_hour: Mapping[str, float] = field(default_factory=dict)
    per_kwh: float | None = None

    @classmethod
    def from_json(cls, text: str, where: str) -> Prices:
        """Raises PricesError where a text is no price list."""
        try:
            fields: dict[str, Any] = dict(json.loads(text))
            prices = cls(**{**fields, "per_hour": {str(k): float(v) for k, v in fields["per_hour"].items()}})
            values = [*prices.per_hour.values(), *filter(lambda one: one is not None, [prices.per_kwh])]
            if not all(isinstance(one, int | float) and math.isfinite(one) and one >= 0 for one in values):
                raise ValueError("a price is negative or no number")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise PricesError(f"{where} must be a price list such as {{\"currency\": \"EUR\", \"per_hour\": {{\"cpu\": 0.04, \"cuda\": 2.5}}, "
                              f"\"per_kwh\": 0.3}}, but is another ({error}); correct it") from error  # fmt: skip
        return prices

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"


def read(uri: str) -> Prices | None:
    """The price list of a study's directory; None where it has none. Raises PricesError where that is none."""
    filesystem, path = open_directory(uri)
    if filesystem.get_file_info(f"{path}/{FILE}").type != pafs.FileType.File:
        return None
    with filesystem.open_input_stream(f"{path}/{FILE}") as stream:
        return Prices.from_json(stream.read().decode(errors="replace"), f"{uri}/{FILE}")


def keep(uri: str, prices: Prices) -> None:
    """Writes it into a study's directory, in one atomic step. Raises OSError."""
    filesystem, path = open_directory(uri)
    write(filesystem, f"{path}/{FILE}", prices.to_json().encode())
