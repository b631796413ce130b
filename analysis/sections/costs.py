"""What the study cost: device time, energy, and money where the study's directory has a price list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import result_prices
from analysis.document.blocks import NOTE, SMALL, Block, Table, Text
from analysis.sections.base import Report, Section
from analysis.spending import words


@final
class Costs(Section):
    """A table by system."""

    name, order, title = "costs", 215, "What it cost"

    def blocks(self, report: Report) -> Iterator[Block]:
        prices = None
        try:
            prices = result_prices.read(report.study.where)
        except result_prices.PricesError as error:
            yield Text(str(error), NOTE)
        yield Table(*words.by_system(report.study.trained, prices))
        yield Text(f"{words.HOW} {words.ALONE}", SMALL)
        if prices is None:
            yield Text(f"With a price list it says what that costs: python -m analysis.costs {report.study.where} --prices FILE --keep", SMALL)  # fmt: skip
