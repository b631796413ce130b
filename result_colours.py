"""Colours of algorithms. Shared by `sweeps` and `analysis`: MLflow and the report show an algorithm alike."""

from __future__ import annotations

from collections.abc import Iterable

KNOWN = {"svae_r": "#0072B2", "alice": "#D55E00", "svae": "#56B4E9", "ali": "#E69F00"}
"""Algorithm -> its colour, of Okabe and Ito's palette: the two that are compared most differ most, also in grey."""

OTHERS = ("#009E73", "#CC79A7", "#7A5195", "#666666", "#A6761D", "#000000")


def colours(algorithms: Iterable[str]) -> dict[str, str]:
    """Algorithm -> colour: one that stored studies had keeps its own, others take those of OTHERS in turn."""
    names = list(dict.fromkeys(algorithms))
    others = [name for name in names if name not in KNOWN]
    return {name: KNOWN.get(name) or OTHERS[others.index(name) % len(OTHERS)] for name in names}
