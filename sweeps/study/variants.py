"""A study as the options change it: on other data, with another sampler, at other levels, in a folder of its own where it must."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from result_names import split_variant
from sweeps.study.declaration import Study
from trainables import datasets


def placed(study: Study, data: str | None, sampler: str | None) -> Study:
    """The study on these data and with this sampler, by the name that its folder has: what a sampler chose must not get into a
    grid's histograms.

    Args:
        data, sampler: None for the study's own.

    Raises:
        ValueError: the name of the data can be none.
    """
    if data is not None and data != study.data:
        study = on_data(study, data)
    if (sampler or study.search) != study.search == "grid":
        study = replace(study, name=f"{study.name}-search")
    return study


def on_data(study: Study, data: str) -> Study:
    """The study on another data set, in a folder of its own, without targets and limits: their bounds are of its own data.

    Raises:
        ValueError: the name can be none.
    """
    plain, own = split_variant(data)
    called = plain.rpartition(":")[2]  # of an import path its class
    if own:
        data = datasets.find(data).name  # the same however its values are written
        words = filter(None, re.split("[=,]", split_variant(data)[1]))
        called = "-".join([called, *words]).replace(".", "_")
    try:
        return replace(study, name=f"{study.name}-{called}", data=data, targets=(), limits=())
    except ValueError:
        datasets.find(data)  # says which there are
        raise


def varied(study: Study, levels: Sequence[Sequence[str]]) -> Study:
    """The study with other levels, each given as a hyper-parameter's name and its values.

    Raises:
        ValueError: one has no value, is named twice, or a value is no number.
    """
    for name, *values in levels:
        if not values:
            raise ValueError(f"--set must have a name and its values, got {name} alone")
    if len(named := {name for name, *_ in levels}) < len(levels):
        raise ValueError(
            f"--set must name a hyper-parameter once, got {', '.join(sorted(named))} more than once"
        )
    return study.varied({name: values for name, *values in levels})
