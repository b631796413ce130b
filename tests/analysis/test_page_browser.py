"""The report's page in a real browser: contents stay in sight, and a click on a header sorts a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis import contents
from analysis.document import html
from analysis.document.blocks import Part, Table, Text
from analysis.rows import load
from tests.analysis.conftest import make_run, write_files

pytestmark = pytest.mark.browser

LINES = [
    ["ALICE", "−1.5 [−2, −1]"],
    ["sVAE-r", "0.2"],
    ["GAN", "–"],
    ["ALI", "1,024"],
    ["VAE", "2e−05"],
    ["AAE", "∞"],
]


def column(browser: Any) -> list[str]:
    return [cell.text for cell in browser.find_elements("css selector", "tbody tr td:first-child")]


def test_contents_stay_in_sight_and_tables_are_sorted_by_their_numbers(browser: Any, tmp_path: Path) -> None:
    long = [Part(f"Section {i}", [Text("words ") for _ in range(40)]) for i in range(2, 6)]
    page = html.page("study", "?", [], [Part("Numbers", [Table(["system", "gain"], LINES, 1)]), *long])
    (tmp_path / "report.html").write_text(page)
    browser.get(f"file://{tmp_path}/report.html")
    assert column(browser) == ["ALICE", "sVAE-r", "GAN", "ALI", "VAE", "AAE"]
    system, gain = browser.find_elements("css selector", "th")
    gain.click()  # by number, and what is none comes last
    assert column(browser) == ["ALICE", "VAE", "sVAE-r", "ALI", "AAE", "GAN"]
    gain.click()
    assert column(browser) == ["AAE", "ALI", "sVAE-r", "VAE", "ALICE", "GAN"]
    system.click()
    assert column(browser) == ["AAE", "ALI", "ALICE", "GAN", "sVAE-r", "VAE"]
    browser.find_element("link text", "4 Section 4").click()
    assert browser.execute_script("return scrollY") > 500
    link = browser.find_element("link text", "1 Numbers")
    top = browser.execute_script("return arguments[0].getBoundingClientRect().top", link)
    assert 0 <= top < browser.execute_script("return innerHeight")


STUDIES = {
    "lambdas": [
        (a, i, lam) for a in ("svae_r", "alice") for i in range(12) for lam in (0.0, *np.logspace(-3, 2, 99))
    ],
    "systems": [
        (f"system with a long name {n}", i, lam)
        for n in range(30)
        for i in range(6)
        for lam in (0.1, 1.0, 10.0)
    ],
}
"""Runs of 100 λ, and of 30 systems."""


@pytest.fixture(scope="module", params=STUDIES)
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a study of many λ or systems."""
    noise = np.random.default_rng(0)
    runs = [
        make_run(a, i, float(lam), inception_score=4 + 0.3 * noise.normal(), mse_x=float(noise.lognormal(-2)))
        for a, i, lam in STUDIES[request.param]
    ]
    where = write_files(tmp_path_factory.mktemp(request.param) / "study", runs, points=8)
    page = where / "report.html"
    page.write_bytes(contents.build(load(str(where)), 2).files["report.html"])
    return page


@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_of_many_is_no_wider_than_its_window(browser: Any, many: Path, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(f"file://{many}")
    assert browser.execute_script("return innerWidth") == width
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    wider = "return [...document.querySelectorAll('main > *')].filter(e => e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML.slice(0, 200))"
    assert browser.execute_script(wider) == []
    long = browser.find_elements("css selector", ".long")
    assert long
    assert max(table.size["height"] for table in long) < 800
