"""The report's page in a real browser: contents stay in sight, and a click on a header sorts a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analysis.document import html
from analysis.document.blocks import Part, Table, Text

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
