"""The deep link in a real browser: MLflow's own page shows the comparison, and the README's searches work.

The link rests on a format that MLflow does not document, so only its page can say that it is right.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis import report
from result_manifest import MANIFEST
from sweeps.tracking import mirror, ui
from sweeps.tracking.mlflow_store import find_experiment
from sweeps.tracking.shown import views
from tests.sweeps.small_study import (
    MANIFEST_OF_STUDY,
    SmallStudy,
    curve,
    image_study,
    row,
    search,
    show,
    with_samples,
)

pytestmark = pytest.mark.browser

WAIT_SECONDS = 300  # against hanging alone
SEARCHES = {
    "params.lam = '0.1' and tags.algorithm = 'svae_r' and metrics.inception_score > 4.5": ["#0001"],
    "tags.outcome = 'DIVERGED'": ["#0003"],
    "tags.algorithm = 'alice' and metrics.mse_x < 0.05 and metrics.on_mode_share > 0.8": ["#0002"],
}


@contextmanager
def served(study: SmallStudy) -> Iterator[str]:
    """The deep link to a study that is mirrored and served."""
    uri = f"sqlite:///{study.directory.parent}/mlflow.db"
    assert mirror.main(mirror.Options(study.uri, tracking_uri=uri)) == 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    experiment_id = find_experiment(uri, "toy_robustness")
    assert experiment_id is not None
    with ui.serve(uri, port):
        yield f"http://127.0.0.1:{port}/#/experiments/{experiment_id}/runs?viewStateShareKey=comparison"


@pytest.fixture
def link(tmp_path: Path) -> Iterator[str]:
    """The deep link to a served study of five runs, one of them diverged, and a report."""
    study = SmallStudy(tmp_path / "toy_robustness")
    rows = [
        row("a", configuration=1, inception_score=4.9),
        row("b", configuration=2, algorithm="alice", inception_score=4.2),
        row("c", "DIVERGED", configuration=3),
        row("d", configuration=4, lam=1.0),
        row("e", configuration=5, algorithm="alice", mse_x=0.2, inception_score=4.1),
    ]
    study.add(rows, [point for r in rows for point in curve(r["run_key"])])
    (study.directory / "report").mkdir()
    (study.directory / "report" / "report.html").write_text("<p>")
    with served(study) as found:
        yield found


def shown_runs(browser: Any) -> list[str]:
    """Configuration numbers in the names of the runs that the table shows, from top to bottom."""
    rows = browser.find_elements("css selector", ".ag-pinned-left-cols-container [role=row]")
    ordered = sorted(rows, key=lambda r: int(r.get_attribute("row-index")))
    return [number for r in ordered for number in re.findall(r"(#\d{4}) seed", r.text)]


def comparison(browser: Any, role: str) -> list[str]:
    """Texts of the first cells or headers, by `role`, of the columns that the link chose, from left to right."""
    chosen = "[col-id^='params.'], [col-id^='metrics.'], [col-id^='tags.']"
    row = "" if role == "columnheader" else "[row-index='0'] "
    cells = browser.find_elements("css selector", f"{row}[role={role}]:is({chosen})")
    ordered = sorted(cells, key=lambda cell: int(cell.get_attribute("aria-colindex")))
    return [cell.text for cell in ordered[:7]]


def wait_for(browser: Any, shown: Callable[[Any], list[str]], expected: list[str]) -> None:
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.support.wait import WebDriverWait

    wait = WebDriverWait(browser, WAIT_SECONDS, ignored_exceptions=[StaleElementReferenceException])
    wait.until(lambda b: shown(b) == expected, f"the page must show {expected}")


def test_deep_link_shows_the_comparison_and_the_searches_work(browser: Any, link: str) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.get(link)
    # by inception score, highest first (4.9, 4.7, 4.2, 4.1, none); the report's run is filtered out
    wait_for(browser, shown_runs, ["#0001", "#0004", "#0002", "#0005", "#0003"])
    columns = ["algorithm", "lam", "mse_x", "inception_score", "modes_covered", "on_mode_share", "outcome"]
    wait_for(browser, lambda b: comparison(b, "columnheader"), columns)
    first = ["svae_r", "0.1", "0.02", "4.9", "5", "0.9", "COMPLETED"]
    wait_for(browser, lambda b: comparison(b, "gridcell"), first)
    for query, expected in SEARCHES.items():
        box = browser.find_element("css selector", "textarea, input[placeholder*='metrics']")
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(Keys.DELETE)
        box.send_keys(query, Keys.ENTER)
        wait_for(browser, shown_runs, expected)


def wait_for_words(browser: Any, within: str, words: tuple[str, ...]) -> None:
    """Waits until the elements of a CSS selector have all of these words in their text."""

    def missing(b: Any) -> list[str]:
        text = " ".join(found.text for found in b.find_elements("css selector", within))
        return [word for word in words if word not in text]

    wait_for(browser, missing, [])


def test_a_run_shows_its_data_set_and_its_system_metrics(browser: Any, tmp_path: Path) -> None:
    study = SmallStudy(tmp_path / "toy_robustness")
    manifest = replace(MANIFEST_OF_STUDY, data="rings", descriptions={"width": "units of a layer"}, levels={"width": ("32", "64")})  # fmt: skip
    (study.directory / MANIFEST).write_text(manifest.to_json())
    used = {"cpu_utilization_percentage": 61.5, "system_memory_usage_megabytes": 2_048.0}
    study.add([row("a", data_version="rings-v2", **used)])
    with served(study) as link:
        browser.get(link)
        wait_for_words(browser, "[role=gridcell][col-id='attributes.`Dataset`']", ("rings", "rings-v2"))
        # The page shows the note's first line until it is opened.
        wait_for(browser, lambda b: [w for w in ("units of a layer", "32, 64") if w not in b.page_source], [])
        experiment = link.partition("/runs?")[0]
        run_id = search(f"sqlite:///{tmp_path}/mlflow.db")["a"].info.run_id
        browser.get(f"{experiment}/runs/{run_id}")
        wait_for_words(browser, "body", ("rings (rings-v2)",))
        browser.get(f"{experiment}/runs/{run_id}/system-metrics")
        wait_for_words(browser, "body", ("cpu_utilization_percentage", "system_memory_usage_megabytes"))


def images(browser: Any) -> list[str]:
    """Kinds of the pictures that the page has loaded from runs, and how wide in pixels each is; 0 until it is loaded."""
    found = browser.find_elements("css selector", "img[src*='get-artifact']")
    kinds = (re.findall(r"images%2F(\w+)%2Bstep", image.get_attribute("src"))[0] for image in found)
    return sorted(
        f"{kind} {image.get_property('naturalWidth')}" for kind, image in zip(kinds, found, strict=True)
    )


def test_the_chart_view_shows_the_pictures_of_runs_that_the_report_shows(
    browser: Any, tmp_path: Path
) -> None:
    study = image_study(tmp_path / "toy_robustness")
    show(study, {"a": ["best"], "b": ["worst"]})
    with served(study) as link:
        browser.get(
            f"{link.replace('comparison', 'shown')}&compareRunsMode=CHART&workflowType=machine_learning"
        )
        wait_for(browser, images, 2 * ["reconstructions 256"] + 2 * ["samples 256"])


def charts(browser: Any) -> list[str]:
    """Titles of the chart cards that have drawn something, in alphabetical order."""
    cards = browser.find_elements("css selector", "[data-testid='experiment-view-compare-runs-card']")
    drawn = [
        card
        for card in cards
        if card.find_elements("css selector", "svg.main-svg, canvas, img[src*='get-artifact']")
    ]
    return sorted(card.text.partition("\n")[0] for card in drawn)


MLFLOWS_OWN = ("users/current", "ResizeObserver loop")
"""Errors that its page logs without any of ours."""

EXPECTED = {
    "comparison": ["Parallel Coordinates", "mse_x vs. inception_score"],
    "medians": [
        "lam vs. median/inception_score",
        "lam vs. median/mse_x",
        "median/inception_score",
        "median/mse_x",
    ],
    "learning": ["inception_score", "mse_x"],
    "best": ["inception_score", "mse_x", "samples"],
    "shown": ["inception_score", "mse_x", "samples"],
}
"""View -> titles of its charts."""


def test_every_prepared_view_opens_with_its_charts_drawn_from_the_runs(browser: Any, tmp_path: Path) -> None:
    study = SmallStudy(tmp_path / "toy_robustness")
    runs = [
        row(
            f"{algorithm}{lam}{n}",
            algorithm=algorithm,
            lam=lam,
            configuration=n,
            configuration_key=f"c{n}",
            inception_score=3 + lam + 0.1 * n,
        )
        for algorithm in ("svae_r", "alice")
        for lam in (0.1, 1.0)
        for n in range(3)
    ]
    study.add([*runs, row("broken", "DIVERGED")], [point for one in runs for point in curve(one["run_key"])])
    with_samples(study, [one["run_key"] for one in runs])
    assert report.main([study.uri]) == 0
    with served(study) as link:
        server, _, rest = link.partition("/#/experiments/")
        experiment = rest.partition("/")[0]
        for view in views.PREPARED:
            browser.get("about:blank")
            browser.get(views.link(server, experiment, view))
            if view.cards:
                wait_for(browser, charts, EXPECTED[view.key])
            else:
                wait_for(browser, shown_runs, ["#0417"])
            errors = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
            assert [message for message in errors if not any(one in message for one in MLFLOWS_OWN)] == []
