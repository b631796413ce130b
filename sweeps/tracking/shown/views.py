"""Prepared views of a study in MLflow's UI: columns, filters and charts, stored as tags of the experiment.

MLflow's "share view" stores a state in a tag `mlflow.sharedViewState.KEY`, as JSON or, listed under "Views", in an envelope with
a name. The URL parameter `viewStateShareKey=KEY` opens it. Neither is documented: fields as in MLflow 3.17,
`mlflow/server/js/src/experiment-tracking/components/experiment-page/models/ExperimentPageUIState.tsx`.
"""

from __future__ import annotations

import base64
import itertools
import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from result_manifest import Manifest
from result_metrics import SMALLER
from result_schema import METRICS, VERSION
from sweeps.tracking.contents import COSTS, SYSTEM
from sweeps.tracking.shown import exemplars
from sweeps.tracking.shown.medians import HIGH, KIND, LOW, MEDIAN
from sweeps.tracking.shown.notes import note

COMPARISON = "comparison"
_TAG = "mlflow.sharedViewState."
_CHART_RUNS = 100
"""Runs that MLflow loads into charts."""

_RUNS, _SUMMARIES = "tags.kind = 'run'", f"tags.kind = '{KIND}'"

Card = dict[str, Any]


@dataclass(frozen=True)
class View:
    """A prepared view.

    Attributes:
        key: of its link.
        name: under "Views".
        says: what it answers.
        search: MLflow's search for its runs.
        cards: its charts, of the headline metrics and the manifest; a view without any opens as a table.
        grouped: parameter by which curves are averaged.
    """

    key: str
    name: str
    says: str
    search: str
    cards: Callable[[Sequence[str], Manifest], list[Card]] | None = None
    grouped: str = ""


def _compared(headline: Sequence[str], manifest: Manifest) -> list[Card]:
    pairs = [_scatter(x, y) for x, y in itertools.pairwise(headline)]
    return [*pairs, _parallel(["algorithm", "lam", *manifest.hyper_parameters], headline[-1])]


def _medians(headline: Sequence[str], _: Manifest) -> list[Card]:
    along = [_scatter("lam", f"{MEDIAN}{name}", kind="PARAM") for name in headline]
    return [*(_bar(f"{MEDIAN}{name}") for name in headline), *along]


def _learned(headline: Sequence[str], _: Manifest) -> list[Card]:
    return list(map(_line, headline))


def _pictured(headline: Sequence[str], manifest: Manifest) -> list[Card]:
    return [*map(_image, exemplars.kinds(manifest)), *map(_bar, headline)]


PREPARED = (
    View(COMPARISON, "Compare", "every run, its hyper-parameters and how good it is", _RUNS, _compared),
    View(
        "medians",
        "Medians by algorithm and λ",
        "the report's medians, a run for each algorithm and λ",
        _SUMMARIES,
        _medians,
    ),
    View(
        "learning",
        "Learning curves",
        "means of up to 100 runs of each algorithm",
        _RUNS,
        _learned,
        grouped="algorithm",
    ),
    View(
        "best",
        "Best of each algorithm and λ",
        "the best runs, with what they generate",
        "tags.exemplar LIKE '%best%'",
        _pictured,
    ),
    View(
        "shown",
        "Best, median and worst",
        "the runs that the report shows, with what they generate",
        "tags.exemplar LIKE '%'",
        _pictured,
    ),
    View("diverged", "DIVERGED", "what broke, and at which iteration", "tags.outcome = 'DIVERGED'"),
)
"""Views of every study; the first is the one that opens."""


def view_tags(manifest: Manifest, mirrored: str = "") -> dict[str, str]:
    """Tags of the experiment that describe it in the UI: its views, and the question with what they answer.

    mirrored: what of the study's runs is in MLflow, in words; '' for all of them.
    """
    tags = {}
    for place, view in enumerate(PREPARED):
        state = json.dumps(_state(view, manifest), separators=(",", ":"))
        if view.key == COMPARISON:
            tags[f"{_TAG}{view.key}"] = state  # before MLflow 3.15 a link opens this form alone
        made = (
            1_700_000_000_000 - place
        )  # "Views" has the newest first; always the same, or the tag would change
        packed = "deflate;" + base64.b64encode(zlib.compress(state.encode(), 9)).decode()
        envelope = {"name": view.name, "createdAt": made, "updatedAt": made, "state": packed}
        tags[f"{_TAG}{view.key}{'_view' if view.key == COMPARISON else ''}"] = json.dumps(envelope)
    return {**tags, "mlflow.note.content": note(manifest, PREPARED, mirrored)}


def link(server: str, experiment_id: str, view: View) -> str:
    """URL of a study's runs in a view: its charts where it has some, else its table."""
    mode = "&compareRunsMode=CHART&workflowType=machine_learning" if view.cards else ""
    return f"{server}/#/experiments/{experiment_id}/runs?viewStateShareKey={view.key}{mode}"


def _state(view: View, manifest: Manifest) -> dict[str, Any]:
    columns = [
        *(f"params.`{name}`" for name in ("algorithm", "lam")),
        *(f"metrics.`{name}`" for name in _columns(view, manifest)),
        *(f"tags.`{name}`" for name in ("outcome", "diverged_at", VERSION, "data_version")
          if name != "diverged_at" or view.key == "diverged"),
        *(["attributes.`Dataset`"] if view.search != _SUMMARIES else []),  # medians may be of several
        *(f"params.`{name}`" for name in (*manifest.hyper_parameters, "seed")),
    ]  # fmt: skip
    group = {"aggregateFunction": "average", "groupByKeys": [{"mode": "param", "groupByData": view.grouped}]}
    headline = _headline(manifest)
    better = {metric.name: metric.better for metric in manifest.metrics}
    return {
        "searchFilter": view.search,
        "orderByKey": f"metrics.`{headline[-1]}`" if headline else "attributes.start_time",
        "orderByAsc": bool(headline) and better[headline[-1]] == SMALLER,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": columns,
        "columnOrder": columns,
        "columnWidths": {column: _pixels(column) for column in columns},
        "runsHiddenMode": "SHOW_ALL",
        "hideEmptyCharts": True,
        "groupBy": group if view.grouped else None,
        "useGroupedValuesInCharts": bool(view.grouped),
        "compareRunCharts": _placed(view, manifest),
        "compareRunSections": [{
            "uuid": view.key, "name": view.says, "display": True,
            "isReordered": False, "deleted": False, "isGenerated": False,
        }],
        "isAccordionReordered": True,
    }  # fmt: skip


def _headline(manifest: Manifest) -> list[str]:
    """Metrics that the charts are of: the study's headline, or else its first two."""
    known = [metric.name for metric in manifest.metrics]
    return [name for name in manifest.headline if name in known] or known[:2]


def _columns(view: View, manifest: Manifest) -> list[str]:
    """Metrics with a column: of runs the headline, and the first ones with a best or worst possible value; of medians medians."""
    names = [
        metric.name
        for metric in manifest.metrics
        if metric.name in manifest.headline or (metric.name in METRICS and metric.worst is not None)
    ]
    if view.search != _SUMMARIES:
        return names
    return ["diverged_share", *(f"{what}{name}" for name in names for what in (MEDIAN, LOW, HIGH))]


def _pixels(column: str) -> int:
    """Width that shows the whole name; MLflow's default cuts off `inception_score`."""
    return 65 + 5 * len(column.split("`")[1])


def _placed(view: View, manifest: Manifest) -> list[Card]:
    """The view's cards in its section; and for every other metric and image a deleted one, or else MLflow makes a card of it."""
    headline = _headline(manifest)
    if view.cards is None or not headline:
        return []
    cards = view.cards(headline, manifest)
    told = {str(card.get("metricKey")) for card in cards if card["type"] in ("BAR", "LINE")}
    names = [*(metric.name for metric in manifest.metrics), *manifest.losses, *COSTS]
    medians = ["diverged_share", "runs", *(f"{what}{n}" for n in names for what in (MEDIAN, LOW, HIGH))]
    every = medians if view.search == _SUMMARIES else [*names, *SYSTEM.values()]
    gone = [{**_bar(name), "deleted": True, "isGenerated": True} for name in every if name not in told]
    shown = {key for card in cards for key in card.get("imageKeys", ())}
    gone += [{**_image(kind), "deleted": True} for kind in exemplars.kinds(manifest) if kind not in shown]
    common = {"metricSectionId": view.key, "runsCountToCompare": _CHART_RUNS}
    return [
        {"deleted": False, "isGenerated": False, **common, **card, "uuid": f"{view.key}-{i}"}
        for i, card in enumerate((*cards, *gone))
    ]


def _scatter(x: str, y: str, kind: str = "METRIC") -> Card:
    return {"type": "SCATTER", "xaxis": {"key": x, "type": kind}, "yaxis": {"key": y, "type": "METRIC"}}


def _parallel(params: Iterable[str], metric: str) -> Card:
    """Parallel coordinates, coloured by the metric."""
    return {
        "type": "PARALLEL",
        "selectedParams": list(params),
        "selectedMetrics": [metric],
        "showAllRuns": True,
    }


def _bar(metric: str) -> Card:
    return {"type": "BAR", "metricKey": metric}


def _line(metric: str) -> Card:
    axes = {
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "xAxisScaleType": "linear",
        "scaleType": "linear",
    }
    free = {"range": {"xMin": None, "xMax": None, "yMin": None, "yMax": None}, "lineSmoothness": 0}
    return {"type": "LINE", "metricKey": metric, "selectedMetricKeys": [metric], **axes, **free}


def _image(kind: str) -> Card:
    return {"type": "IMAGE", "imageKeys": [kind], "step": 0, "showRunParams": False}
