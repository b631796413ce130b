"""A study's cohorts, which each worker fetches once: there can be tens of thousands of them, and as many trials."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, cast, final

import ray

from sweeps.planning.cohort_plans import CohortPlan


@final
class SharedPlans(Mapping[str, CohortPlan]):
    """Cohorts by key. Another process is told where Ray holds them, not what they are.

    Args:
        plans: the cohorts.
    """

    def __init__(self, plans: Mapping[str, CohortPlan]) -> None:
        self._plans = plans
        self._reference: ray.ObjectRef | None = None

    def __reduce__(self) -> Any:
        if self._reference is None:
            self._reference = ray.put(dict(self._plans))
        return _shared, (self._reference,)

    def __getitem__(self, key: str) -> CohortPlan:
        return self._plans[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plans)

    def __len__(self) -> int:
        return len(self._plans)


@functools.lru_cache(1)
def _shared(reference: ray.ObjectRef) -> SharedPlans:
    """The cohorts, of the last study that this process asked for."""
    return SharedPlans(cast("dict[str, CohortPlan]", ray.get(reference)))
