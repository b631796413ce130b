"""Tables, figures and words for a paper: what LaTeX, CSV and PDF say of rows whose every value is known."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from pathlib import Path

import matplotlib.figure
import pytest
from pypdf import PdfReader

from analysis import rows
from analysis.document.blocks import Details, Heading, Table, Text
from analysis.document.files import render
from analysis.paper import exports, latex
from analysis.paper.__main__ import main
from analysis.paper.figures import pdf
from analysis.sections import _statement


@pytest.fixture
def runs(run):
    """Six configurations at two λ under both algorithms, of which one DIVERGED."""
    made = [
        run(name, i, lam, 0, inception_score=3 + 0.2 * i + better, mse_x=0.02 * (i + 1) + 0.01 * lam)
        for lam in (0.1, 1.0)
        for i in range(6)
        for name, better in (("svae_r", 0.3), ("alice", 0.0))
    ]
    return [*made[:-1], run("alice", 5, 1.0, 0, outcome="DIVERGED")]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("λ = 0.1", r"\ensuremath{\lambda} = 0.1"),
        ("−0.2 ± 5 %", r"\ensuremath{-}0.2 \ensuremath{\pm} 5 \%"),
        ("on_mode & $5 #1 {x}", r"on\_mode \& \$5 \#1 \{x\}"),
        ("名", "[U+540D]"),
        ("", ""),
    ],
)
def test_words_are_escaped_to_ascii(text: str, written: str) -> None:
    assert latex.escaped(text) == written
    assert written.isascii()


def test_a_table_has_booktabs_rules_words_left_and_numbers_right() -> None:
    table = Table(["system", "λ", "MSE"], [["sVAE-r", "0.1", "0.02"], ["a_b", "1", "–"]], text_columns=1)
    lines = latex.tabular(table).splitlines()
    assert lines[1:] == [
        r"\begin{tabular}{@{}lrr@{}}", r"\toprule", r"system & \ensuremath{\lambda} & MSE \\", r"\midrule",
        r"sVAE-r & 0.1 & 0.02 \\", r"a\_b & 1 & {\textendash} \\", r"\bottomrule", r"\end{tabular}}",
    ]  # fmt: skip


def test_a_long_table_is_set_in_parts_under_the_same_header() -> None:
    table = Table(["n"], [[str(i)] for i in range(latex.LONG + 1)], text_columns=0)
    text = latex.tabular(table)
    assert text.count(r"\toprule") == text.count("n \\\\\n\\midrule") == 2
    assert text.count(r"\\") == latex.LONG + 1 + 2


def test_tables_are_captioned_by_the_headings_above_them_and_have_names_of_their_own() -> None:
    one = Table(["a"], [["1"]])
    blocks = [one, Text("words"), Heading("λ = 0.1"), one, one, Details("All terms", [one])]
    made = list(exports._exported(blocks, "effects", "What matters", 3.25, 6.75))
    names = ["effects", "effects_0_1", "effects_0_1_2", "effects_all_terms"]
    assert [name for name, _, _ in made] == [f"tables/{n}.{kind}" for n in names for kind in ("csv", "tex")]
    assert "What matters: All terms" in made[-1][2]


@pytest.mark.parametrize(("drawn", "inches"), [(4.0, 3.0), (9.5, 7.0)])
def test_a_figure_is_as_wide_as_a_column_or_the_page_and_has_its_fonts_in_it(
    drawn: float, inches: float
) -> None:
    figure = matplotlib.figure.Figure(figsize=(drawn, 3.0), layout="constrained")
    figure.subplots().set_title("λ")
    render(figure)
    made = pdf(figure, column=3.0, page=7.0)
    assert made == pdf(figure, column=3.0, page=7.0)
    page = PdfReader(io.BytesIO(made)).pages[0]
    assert float(page.mediabox.width) == pytest.approx(72 * inches, abs=0.1)
    assert float(page.mediabox.height) == pytest.approx(72 * inches * 3 / drawn, abs=0.1)
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    inner = [
        font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font for font in fonts
    ]
    assert inner
    assert all("/FontFile2" in font["/FontDescriptor"].get_object() for font in inner)


def test_the_statement_says_what_was_run_varied_left_out_and_with_what(study, runs) -> None:
    ran, varied, left_out, environment, again = _statement.sentences(study(runs))
    assert ran.startswith(
        "24 runs of 300 iterations each, 23 COMPLETED and 1 DIVERGED: sVAE-r and ALICE under 6 configurations"
    )
    assert "λ in {0.1, 1}, with 1 seed (0), on v1" in ran
    assert "depth {2, 3}; learning_rate {0.0001, 0.001}" in varied
    assert left_out == "No stored run of this study is left out."
    assert (
        "at abc1234, with torch 2.13.0, on cpu (24 runs), in 0.01 device-hours" in environment
    )  # 24 · 1.5 s
    assert "--iterations 300" in again


def test_rows_of_another_budget_are_left_out_and_the_statement_says_so(store, runs, run) -> None:
    where = store([*runs, run("alice", 0, 1.0, 0, budget=1600)])
    left_out = _statement.sentences(rows.load(str(where)))[2]
    assert left_out == "Left out, for budgets and samplers are never pooled: 1 row of 1,600 iterations."


def test_every_table_and_figure_of_a_study_is_written_and_what_was_there_is_replaced(
    store, runs, capsys
) -> None:
    where = store(runs)
    (where / "paper" / "tables").mkdir(parents=True)
    (where / "paper" / "tables" / "old.tex").write_text("")
    assert main([str(where)]) == 0
    target = Path(capsys.readouterr().out.strip())
    assert target == where / "paper"
    tables, figures = ({p.name for p in (target / f).iterdir()} for f in ("tables", "figures"))
    assert {"verdicts.tex", "verdicts.csv", "summary_mse.tex"} <= tables
    assert "old.tex" not in tables
    assert {"histograms.pdf", "paired.pdf"} <= figures
    document = (target / "paper.tex").read_text()
    assert all(f"tables/{name}" in document for name in tables if name.endswith(".tex"))
    assert all(f"figures/{name}" in document for name in figures)
    cells = list(csv.reader((target / "tables" / "summary_mse.csv").read_text().splitlines()))
    assert cells[0][:2] == ["λ", "system"]
    assert len(cells) == 1 + 4  # a line per system and λ
    text = "".join(page.extract_text() for page in PdfReader(target / "report.pdf").pages)
    assert "Reproducibility statement" in text
    assert "Is <sVAE-r> steadier than ALICE?" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing"], "missing must be a study's results directory"),
        (["missing", "--column", "0"], "must be > 0 inches, got 0.0 and 6.75"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(arguments, said, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_latex_compiles_a_paper_of_the_exports_alone(store, runs, tmp_path) -> None:
    assert shutil.which("latexmk"), "this test needs latexmk and TeX Live; `make test-slow` installs them"
    where = store(runs)
    assert main([str(where)]) == 0
    target = where / "paper"
    (target / "two_pages.tex").write_text(
        exports._HEAD.replace("article}", "article}\\twocolumn")
        + "\\input{statement.tex}\n\\input{tables/verdicts.tex}\n\\includegraphics[width=\\linewidth]{figures/histograms.pdf}\n"
        "\\clearpage\n\\input{tables/summary_mse.tex}\n\\includegraphics[width=\\linewidth]{figures/paired.pdf}\n\\end{document}\n"
    )
    for document in ("two_pages", "paper"):
        done = subprocess.run(
            ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", f"{document}.tex"],
            cwd=target, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:]
    assert len(PdfReader(target / "two_pages.pdf").pages) == 2
