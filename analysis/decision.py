"""Whether the rows of a study decide what it asks, for a driver that trains no more than that takes.

    python -m analysis.decision results/toy_robustness < asked.json

Reads what is asked (`Asked`) as JSON on stdin and writes the verdicts (`Decision`) as JSON on stdout. They are the report's, over
the rows asked about alone, so that they do not depend on what else is stored.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import dataclass, replace

import command_output
from analysis import rows
from analysis.comparison import families
from analysis.comparison.paired import compare
from analysis.comparison.verdicts import Answer
from analysis.rows import Rows
from analysis.words import label
from result_files import PlaceError
from result_manifest import SchemaError
from result_names import exact
from result_schema import GRID


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The rows that a look is at, and what is to be decided.

    Attributes:
        iterations: budget of the rows.
        algorithms, lambdas, configurations (keys), seeds: of the rows.
        looks: units at each look, the last being all that are declared.
        metrics: whose verdicts are asked for; none for all that the report judges.
        at: λ at which they are asked for; none for all.
    """

    iterations: int
    algorithms: list[str]
    lambdas: list[float]
    configurations: list[str]
    seeds: int
    looks: list[int]
    metrics: list[str]
    at: list[float]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the rows say.

    Attributes:
        decided: verdicts that differ or are equivalent, in words.
        open: those that are undecided.
    """

    decided: list[str]
    open: list[str]


def decide(study: Rows, asked: Asked) -> Decision:
    """The verdicts asked for, judged in the family of all that a report of these rows judges."""
    runs = study.runs
    moving = not study.level.issuperset(asked.algorithms)
    here = (
        runs["algorithm"].isin(asked.algorithms)
        & (runs["lam"].isin(asked.lambdas) | (not moving))
        & runs["configuration_key"].isin(asked.configurations)
        & (runs["seed"] < asked.seeds)
    )
    looked_at = replace(study, runs=runs[here], manifest=replace(study.manifest, looks=tuple(asked.looks)))
    family = families.family_of(looked_at)
    found = Decision(decided=[], open=[])
    for pairs, lam, measure in families.judged(looked_at):
        if (asked.at and lam not in asked.at and not pairs.level) or (
            asked.metrics and measure.column not in asked.metrics
        ):
            continue
        verdict = compare(pairs, lam, measure, family).verdict
        words = (
            f"{measure.label}{'' if pairs.level else f' at λ = {exact(lam)}'}, {label(pairs.first)} − {label(pairs.second)}: "
            f"{verdict.words}, {verdict.estimate}"
        )
        (found.open if verdict.answer is Answer.UNDECIDED else found.decided).append(words)
    return found


def main() -> int:
    """Runs the command: 0, or 2 and one line on stderr where the directory cannot be read."""
    (directory,) = sys.argv[1:]
    asked = Asked(**json.load(sys.stdin))
    try:
        study = rows.load(directory, asked.iterations, GRID)
    except (SchemaError, PlaceError) as error:
        print(error, file=sys.stderr)
        return 2
    json.dump(dataclasses.asdict(decide(study, asked)), sys.stdout)
    return 0


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main())
