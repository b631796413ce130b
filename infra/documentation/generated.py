"""Pages whose text is generated where they have a mark, `<!-- generated: NAME -->`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from infra.documentation import commands, parts, results

GENERATED: dict[str, Callable[[], Iterator[str]]] = {
    "systems": parts.systems,
    "metrics": parts.metric_pages,
    "data sets": parts.data_sets,
    "networks": parts.network_parts,
    "optimisers": parts.optimiser_parts,
    "hyper-parameters": parts.hyper_parameters,
    "studies": commands.study_pages,
    "commands": commands.command_pages,
    "columns": results.columns,
    "sections": results.sections,
}
"""Name -> what gives the Markdown lines in place of the mark."""

MARK = re.compile(r"^<!-- generated: ([\w -]+?) -->$", re.MULTILINE)


def filled(page: str) -> str:
    """A page's Markdown with what is generated. Raises KeyError where a mark names nothing that is."""
    return MARK.sub(lambda mark: "\n".join(GENERATED[mark[1]]()), page)
