"""Colours of algorithms. Shared by `sweeps` and `analysis`: MLflow and the report show an algorithm alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

STORED = {"svae_r": "#0072B2", "alice": "#D55E00", "svae": "#56B4E9", "ali": "#E69F00"}
"""Algorithm -> its colour in studies from before manifests had colours; nothing is added."""

OTHERS = ("#009E73", "#CC79A7", "#7A5195", "#666666", "#A6761D", "#000000")
"""Colours of algorithms that declare none; with those of STORED mostly of Okabe and Ito's palette."""


def colours(algorithms: Iterable[str], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Algorithm -> colour: one that is known, else of OTHERS the first that fewest of the algorithms have.

    Args:
        algorithms: in reading order.
        known: algorithm -> colour, of a manifest or as classes declare it; of none, as of a manifest from before these, STORED.
    """
    known, names = known or STORED, list(dict.fromkeys(algorithms))
    uses = Counter(known[name] for name in names if name in known)
    found = {}
    for name in names:
        found[name] = known.get(name) or min(OTHERS, key=uses.__getitem__)
        uses[found[name]] += name not in known
    return found
