"""The reference has every part that the registries find, with what it declares."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.documentation import commands, generated
from infra.documentation.links import broken, main
from tests.documentation.pages import PAGES, ROOT
from trainables import datasets, metrics, networks, objectives, optimisers


def page(name: str) -> str:
    """What is generated for a mark."""
    return "\n".join(generated.GENERATED[name]())


def test_every_system_is_there_with_its_equation_and_its_hyper_parameters() -> None:
    text = page("systems")
    for name, one in objectives.available().items():
        (section,) = re.findall(
            rf"^## {re.escape(one.label)}: `{name}`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
        )
        assert "Source" in section, name
        equation = "::" in section.splitlines() or re.search(r" = |the losses are those of", section)
        assert equation, f"{name} must have an equation"
        assert all(f"| `{own}` |" in section for own in one.own)
    wgan = re.search(r"^## WGAN: .*?(?=^## )", text, re.MULTILINE | re.DOTALL)
    assert wgan
    assert "| `clip` | float | > 0 | `0.01` |\n" in wgan[0]


@pytest.mark.parametrize(
    ("mark", "names"),
    [
        ("metrics", metrics.available),
        ("data sets", datasets.available),
        ("networks", networks.available),
        ("optimisers", optimisers.available),
    ],
)
def test_every_part_has_a_heading(mark: str, names: object) -> None:
    assert callable(names)
    headings = [line for line in page(mark).splitlines() if line.startswith("##")]
    assert [name for name in names() if not any(f"`{name}`" in heading for heading in headings)] == []


def test_every_study_and_every_option_of_its_command_is_there() -> None:
    studies, text = page("studies"), page("commands")
    files = {path.stem for path in (ROOT / "sweeps").glob("*.py") if "\nSTUDY = Study(" in path.read_text()}
    assert {name.rpartition(".")[2] for name in commands.studies()} == files
    assert all(f"## `{study.name}`" in studies for study in commands.studies().values())
    for option in ("--preset", "--simulate", "--until", "--py-modules"):
        assert f"  {option} " in text
    assert "## `sweeps.cli.rerun`" in text
    assert "--device" in text


def test_every_mark_is_filled_and_every_generated_text_has_a_page() -> None:
    marks = [mark for path in PAGES for mark in generated.MARK.findall(path.read_text())]
    assert sorted(marks) == sorted(generated.GENERATED)
    with pytest.raises(KeyError, match="no such"):
        generated.filled("<!-- generated: no such -->")
    assert generated.filled("as it is") == "as it is"


def test_links_that_lead_nowhere_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.html").write_text(
        '<a id="here" href="../c.html#there"></a> <a href="https://elsewhere/d"></a>'
    )
    (tmp_path / "c.html").write_text('<p id="there"><a href="a/b.html#here"></a> <a href="#there"></a>')
    assert broken(tmp_path) == []
    assert main(tmp_path) == 0
    (tmp_path / "e.html").write_text('<a href="a/b.html#gone"></a> <img src="f.png"> <a href="#nor"></a>')
    assert broken(tmp_path) == [
        "e.html: a/b.html#gone: there is no such place in it",
        "e.html: f.png: there is no such file",
        "e.html: #nor: there is no such place in it",
    ]
    assert main(tmp_path) == 1
    assert "f.png" in capsys.readouterr().out
