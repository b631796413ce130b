"""A study's cohorts, which each worker fetches once: there can be tens of thousands of them, and as many trials."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import cast, final

import ray

from sweeps.planning.cohort_plans import CohortPlan


@final
class SharedPlans(Mapping[str, CohortPlan]):
    """Cohorts by key, held by Ray; a trial gets no more than where they are.

    Args:
        plans: the cohorts.
    """

    def __init__(self, plans: Mapping[str, CohortPlan]) -> None:
        self._reference = ray.put(dict(plans))

    def __getitem__(self, key: str) -> CohortPlan:
        return _fetched(self._reference)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(_fetched(self._reference))

    def __len__(self) -> int:
        return len(_fetched(self._reference))


@functools.lru_cache(1)
def _fetched(reference: ray.ObjectRef) -> dict[str, CohortPlan]:
    """The cohorts, of the last study that this process asked for."""
    return cast("dict[str, CohortPlan]", ray.get(reference))
