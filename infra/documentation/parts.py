"""Reference pages of the parts that the registries find: systems, metrics, data sets, networks, optimisers, hyper-parameters."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from infra.documentation.docstrings import restructured, summary
from infra.documentation.tables import table
from trainables import configurations, datasets, metrics, networks, objectives, optimisers
from trainables.metrics.base import Metric
from trainables.models.spec import Net
from trainables.objectives.base import Objective
from trainables.parameters import Parameter, declared

ROOT = Path(__file__).resolve().parents[2]
DIRECTION = {1: "larger", -1: "smaller"}


def described(part: Any) -> list[str]:
    """Docstring of a part's class, as a block of reStructuredText in Markdown."""
    return ["```{eval-rst}", *restructured(vars(type(part)).get("__doc__")), "```", ""]


def place(part: Any) -> str:
    """File of a part's class, in the checkout; its import path where that is another one."""
    path = Path(inspect.getfile(type(part))).resolve()
    return f"`{path.relative_to(ROOT)}`" if path.is_relative_to(ROOT) else f"`{type(part).__module__}`"


def systems() -> Iterator[str]:
    """Every objective: a table of all, then each with its networks, its hyper-parameters and its docstring."""
    known = objectives.available()
    yield from table(
        ["system", "", "has λ", "hyper-parameters of its own"],
        (
            [f"[`{name}`](#{name})", summary(type(one).__doc__), "yes" if one.lam else "", ", ".join(f"`{own}`" for own in one.own)]
            for name, one in known.items()
        ),
    )  # fmt: skip
    for name, one in known.items():
        yield from [f"({name})=", f"## {one.label}: `{name}`", ""]
        yield from described(one)
        yield from system_facts(one)
        yield from parameters(declared(type(one)), of_configurations=False)


def system_facts(one: Objective) -> Iterator[str]:
    """What a system consists of, as a list."""
    yield f"* Networks: {'; '.join(network(name, net) for name, net in one.form.networks.items())}"
    yield f"* Steps: {'; '.join(f'{player} trains {listed(trains)}' for player, trains in one.form.players.items())}"
    if one.baselines:
        yield f"* Compared with: {', '.join(f'[`{name}`](#{name})' for name in one.baselines)}"
    if one.version > 1:
        yield f"* Version: {one.version}"
    yield from [f"* File: {place(one)}", ""]


def network(name: str, net: Net) -> str:
    """A network by what it reads and gives, in words."""
    given = f"a distribution of {net.output}" if net.explicit else f"{'a ' * net.critic}{net.output}"
    bent = f", bent by {net.flow} planar layers" * bool(net.flow) + ", of full covariance" * net.full_rank
    return f"{name.replace('_', ' ')} ({', '.join(net.inputs)}) → {given}{bent}"


def listed(names: Iterable[str]) -> str:
    """Names, the last one after an 'and'."""
    *first, last = (name.replace("_", " ") for name in names)
    return f"{', '.join(first)} and {last}" if first else last


def parameters(known: Mapping[str, Parameter], of_configurations: bool = True) -> Iterator[str]:
    """A table of hyper-parameters; nothing without any. Those of configurations say whether an array's members may differ in them."""
    titles = [
        "hyper-parameter",
        "type",
        "bounds",
        "default",
        *["may differ within an array"] * of_configurations,
    ]
    rows = (
        [
            f"`{name}`",
            one.kind,
            bounds(one),
            default(one),
            *["" if one.structural else "yes"] * of_configurations,
        ]
        for name, one in known.items()
    )
    if known:
        yield from table(titles, rows)


def bounds(parameter: Parameter) -> str:
    """Values that a hyper-parameter may have, in words."""
    rule = parameter.rule
    signs = {"least": "≥", "above": ">", "most": "≤", "below": "<"}
    words = [f"{sign} {rule[bound]:g}" for bound, sign in signs.items() if bound in rule]
    words += [f"a multiple of {rule['multiple']}"] if "multiple" in rule else []
    words += [f"`{word}`" for word in rule.get("among", ())]
    words += [f"name of one of the {rule['part']}"] if "part" in rule else []
    return ", ".join(words)


def default(parameter: Parameter) -> str:
    """Default of a hyper-parameter, in words; '' where a value must be given."""
    if parameter.default is None:
        return f"the data set's `{parameter.follows}`"
    return "" if parameter.default is MISSING else f"`{parameter.default}`"


def metric_pages() -> Iterator[str]:
    """Every metric, in reading order."""
    known = metrics.available()
    yield from table(
        ["metric", "", "better", "taken"],
        (
            [f"[`{name}`](#metric-{name})", summary(type(one).__doc__), DIRECTION[one.better], one.when.value]
            for name, one in known.items()
        ),
    )
    for name, one in known.items():
        yield from [f"(metric-{name})=", f"## {one.label}: `{name}`", ""]
        yield from described(one)
        yield from metric_facts(one)


def metric_facts(one: Metric) -> Iterator[str]:
    """What a metric declares, as a list."""
    yield f"* Better: {DIRECTION[one.better]}" + (f", at best {one.best:g}" if one.best is not None else "")
    if one.smallest is not None:
        how = "a factor of " if one.log else ""
        yield f"* Smallest difference of interest: {how}{one.smallest:g} {one.unit}".rstrip()
    if one.needs:
        yield f"* Needs: {', '.join(one.needs)}"
    yield from [f"* Taken {one.when.value}", f"* File: {place(one)}", ""]


def data_sets() -> Iterator[str]:
    """Every data set."""
    known = datasets.available()
    yield from table(
        ["data set", "", "shape", "code", "classes"],
        (
            [
                f"[`{name}`](#data-{name.replace('_', '-')})", summary(type(one).__doc__), "×".join(map(str, one.shape)),
                str(one.z_dim), str(one.classes or ""),
            ]
            for name, one in known.items()
        ),
    )  # fmt: skip
    for name, one in known.items():
        yield from [f"(data-{name.replace('_', '-')})=", f"## `{name}`", ""]
        yield from described(one)
        yield from [f"* File: {place(one)}", ""]
        yield from parameters(declared(type(one)), of_configurations=False)


def network_parts() -> Iterator[str]:
    """Every network."""
    yield from plain_parts(networks.available())


def optimiser_parts() -> Iterator[str]:
    """Every optimiser."""
    yield from plain_parts(optimisers.available())


def plain_parts(known: Mapping[str, Any]) -> Iterator[str]:
    """Parts that are a docstring and hyper-parameters."""
    for name, one in known.items():
        yield from [f"### `{name}`", ""]
        yield from described(one)
        yield from [f"* File: {place(one)}", ""]
        yield from parameters(declared(type(one)))


def hyper_parameters() -> Iterator[str]:
    """The training loop's hyper-parameters, then where those of the other parts are."""
    yield from ["```{eval-rst}", *restructured(configurations.Loop.__doc__), "```", ""]
    yield from parameters(configurations.LOOP)
    yield from ["## All of a configuration of the default parts", ""]
    yield from parameters(configurations.declarations())
    yield from ["## Hyper-parameters of systems", ""]
    yield from table(
        ["hyper-parameter", "systems", "bounds", "default"],
        (
            [f"`{name}`", f"[`{system}`](systems.md#{system})", bounds(one), default(one)]
            for name, system, one in sorted(
                ((own, system, one) for system, found in objectives.available().items() for own, one in declared(type(found)).items()),
                key=lambda row: row[:2],
            )
        ),
    )  # fmt: skip
