"""Algorithms without λ: trained once, they stand beside the others at every λ of a study."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from result_manifest import Manifest
from result_names import split_variant
from result_schema import Outcome

_SAME = ["algorithm", "configuration_key", "seed", "data_version"]


def without_lambda(algorithms: Collection[str], manifest: Manifest) -> frozenset[str]:
    """Algorithms and variants without λ, as far as the manifest says it."""
    declared = manifest.own
    plain = {name: split_variant(name)[0] for name in algorithms}
    return frozenset(
        name for name in algorithms if plain[name] in declared and "lam" not in declared[plain[name]]
    )


def levelled(runs: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """Rows in which an algorithm without λ stands at each λ that the others have, whichever it was stored under; at 0 where no
    other is there.

    Of a run that was trained at several λ, one row counts: the one that went furthest, then the earliest finished.

    Args:
        runs: rows of one budget and sampler, one per run key.
        manifest: of their study.
    """
    level = without_lambda(runs["algorithm"].unique(), manifest)
    if not level:
        return runs
    own = runs["algorithm"].isin(level)
    unfinished = runs["outcome"].isin([Outcome.STOPPED.value, Outcome.FAILED.value])
    order = runs.assign(_unfinished=unfinished, _far=-runs["iterations"])[own]
    order = order.sort_values(["_unfinished", "_far", "finished_at", "run_key"])
    once = runs.loc[order.drop_duplicates(_SAME).index].sort_index()
    lambdas = sorted(runs.loc[~own, "lam"].unique()) or [0.0]
    return pd.concat([runs[~own], *(once.assign(lam=lam) for lam in lambdas)], ignore_index=True)
