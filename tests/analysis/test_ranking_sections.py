"""What a report says of more than two systems, and how it draws them."""

from __future__ import annotations

import io
import itertools
import json

import pandas as pd
import pytest

from analysis.comparison import contests
from analysis.contents import build
from analysis.document.files import render
from analysis.rows import load
from analysis.sections._rank_figure import rank_figure
from analysis.sections.ranking import cells_of, pair_cells, sentences
from result_manifest import MANIFEST
from tests.analysis.measures import INCEPTION, LOG_MSE

LOST = {"outcome": "DIVERGED", "inception_score": None, "mse_x": None}
NO_MSE = {"mse_x": None, "mse_z": None}


def scores(run, named, units=12, **changes):
    """Runs of systems name -> score, of so many configurations; a hundredth of its number apart."""
    return [
        run(a, i, inception_score=s + 0.01 * i, mse_x=0.1 + 0.01 * (i % 3), **changes)
        for a, s in named.items()
        for i in range(units)
    ]


def test_the_section_names_who_is_not_beaten_and_who_is(run, study):
    found = contests.compute(study(scores(run, {"svae_r": 4.0, "alice": 3.0, "ali": 4.0, "gan": 2.0})))
    assert sentences(found, [0.1]) == [
        "MSE, 4 systems over 12 configurations: at λ = 0.1 no two are shown to differ, best in the mean sVAE-r (2.50), ALICE (2.50), "
        "ALI (2.50) and GAN (2.50).",
        "Inception score, 4 systems over 12 configurations: at λ = 0.1 none is shown better than sVAE-r (1.50) and ALI (1.50), while "
        "ALICE (3.00) and GAN (4.00) are shown worse than another.",
    ]


def test_the_section_says_where_units_are_too_few_or_none(run, study):
    runs = scores(run, {"svae_r": 4.0, "alice": 3.0, "gan": 2.0}, units=2)
    apart = [run(a, i, 1.0) for i, a in enumerate(("svae_r", "alice", "gan"))]
    _, score = sentences(contests.compute(study(runs + apart)), [0.1, 1.0])
    assert score == (
        "Inception score: at λ = 0.1 too few for a verdict, best in the mean sVAE-r (1.00) (3 systems over 2 configurations); at λ = 1 not "
        "ranked, since no configuration has a result of all (3 systems over 0 configurations)."
    )


def test_the_section_counts_systems_beyond_six(run, study):
    named = {f"s{i:02d}": 3.0 + 0.02 * i for i in range(9)}
    _, score = sentences(contests.compute(study(scores(run, named, units=30))), [0.1])
    assert score.endswith(
        "none is shown better than s08 (1.00), while the other 8 are shown worse than another."
    )
    alike = dict.fromkeys((*named, "best"), 3.0)
    _, score = sentences(contests.compute(study(scores(run, alike | {"worst": 2.0}, units=30))), [0.1])
    assert score.endswith(
        "none is shown better than best (5.50), s00 (5.50), s01 (5.50), s02 (5.50), s03 (5.50), s04 (5.50) and 4 more, while worst (11.0) "
        "is shown worse than another."
    )


def test_the_table_has_ranks_medians_and_divergence(run, study):
    runs = scores(run, {"svae_r": 4.0, "alice": 3.0}) + [run("ali", i, **LOST) for i in range(12)]
    rows = study(runs)
    found = contests.compute(rows)
    header, cells = cells_of(rows, found, INCEPTION)
    assert [line[:4] for line in cells] == [
        ["0.1", name, "12 configurations", "0"] for name in ("sVAE-r", "ALICE", "ALI")
    ]
    assert [line[4].split(" ")[0] for line in cells] == ["1.00", "2.00", "3.00"]
    # Medians of 4.00 … 4.11.
    assert [line[5:] for line in cells] == [
        ["4.05", "0 of 12", "2", "0"], ["3.05", "0 of 12", "1", "1"], ["DIVERGED", "12 of 12", "0", "2"]
    ]  # fmt: skip
    assert len(header) == len(cells[0])
    (standing,) = found.by(INCEPTION)
    assert pair_cells(standing) == (
        ["system", "1", "2", "3"],
        [["1 sVAE-r", "", "+", "+"], ["2 ALICE", "−", "", "+"], ["3 ALI", "−", "−", ""]],
    )
    (even,) = found.by(LOG_MSE)
    assert pair_cells(even)[1][0] == ["1 sVAE-r", "", "=", "+"]


@pytest.mark.parametrize("count", [2, 3, 30])
def test_the_figure_names_every_system_once_and_its_bars_do_not_touch(count):
    means = {f"system {i}": 1 + 0.9 * i for i in range(count)}
    names = list(means)
    groups = [names[i : i + 3] for i in range(count - 2)]
    figure = rank_figure(means, groups)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert sorted(word for text in words for word in text.split("  ") if "system" in word) == sorted(names)
    bars = [line for line in figure.axes[0].lines if line.get_linewidth() > 3]
    assert len(bars) == len(groups)
    rows = {}
    for bar in bars:
        rows.setdefault(float(bar.get_ydata()[0]), []).append(sorted(bar.get_xdata()))
    for spans in rows.values():
        assert all(high < low for (_, high), (low, _) in itertools.pairwise(spans))
    png, svg = render(figure)
    assert png.startswith(b"\x89PNG")
    assert b"<svg" in svg


@pytest.fixture
def odd(run):
    """Studies of three systems or more that nobody meant."""
    three = {"svae_r": 4.0, "alice": 3.0, "ali": 2.0}
    return {
        "one DIVERGED everywhere": scores(run, {"a": 4.0, "b": 3.0}) + [run("c", i, **LOST) for i in range(12)],
        "one without MSE": scores(run, {"svae_r": 4.0, "alice": 3.0})
        + [run("gan", i, inception_score=2.0, **NO_MSE) for i in range(12)],
        "no MSE at all": [run(a, i, **NO_MSE) for a in ("gan", "wgan", "infogan") for i in range(12)],
        "no metric": [run(a, i, **dict.fromkeys(("inception_score", *NO_MSE))) for a in "abc" for i in range(12)],
        "thirty": scores(run, {f"alg{i:02d}": 3 + 0.01 * i for i in range(30)}, units=3),
        "disjoint": [run(a, 3 * i + k) for k, a in enumerate(three) for i in range(6)],
        "one configuration": [run(a, 0, lam, seed, inception_score=s + 0.05 * (seed * seed % (3 + k)))
                              for k, (a, s) in enumerate(three.items()) for lam in (0.1, 1.0) for seed in range(5)],
        "running": [run(a, i) for k, a in enumerate(three) for i in range(4 + 4 * k)],
        "all FAILED or STOPPED": [run(a, i, outcome=o) for a, o in zip("abc", ("FAILED", "STOPPED", "FAILED"), strict=True)
                                  for i in range(6)],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "said", "unsaid"),
    [
        (
            "one DIVERGED everywhere",
            ["while b (2.00) and c (3.00) are shown worse than another"],
            ["paired.png", "only a"],
        ),
        (
            "one without MSE",
            [
                "MSE, 2 systems over 12 configurations: at λ = 0.1 no two are shown to differ",
                "while ALICE (2.00) and GAN (3.00) are shown worse than another",
            ],
            [],
        ),
        (
            "no MSE at all",
            ["Inception score, 3 systems over 12 configurations: at λ = 0.1 no two are shown to differ"],
            ["MSE: at"],
        ),
        ("no metric", ["no two systems have a metric with a smallest difference of interest"], ["mean rank"]),
        ("thirty", ["30 systems over 3 configurations: at λ = 0.1 too few for a verdict"], ["alg01 − alg00"]),
        (
            "disjoint",
            ["not ranked, since no configuration has a result of all"],
            ["best in the mean"],
        ),
        (
            "one configuration",
            ["over 5 seeds", "3 systems over 5 seeds", "at λ = 1 none is shown better than"],
            [],
        ),
        (
            "running",
            [
                "3 systems over 4 configurations: at λ = 0.1 no two",
                "with too few results of 2 of 3 pairs for a verdict",
                "results of a configuration and seed at a λ are in no rank",
            ],
            [],
        ),
        ("all FAILED or STOPPED", ["6 runs STOPPED"], ["best in the mean", "is shown better than"]),
    ],
)
def test_a_report_of_more_than_two_systems_is_true_of(store, odd, name, said, unsaid):
    files = build(load(str(store(odd[name])))).files
    html = files["report.html"].decode()
    assert [words for words in said if words not in html] == []
    assert [words for words in unsaid if words in html or words in files] == []
    assert ">nan" not in html
    assert "<tbody></tbody>" not in html[: html.index('id="s2"')]
    if "pairs.csv" in files:
        table = pd.read_csv(io.BytesIO(files["pairs.csv"]))
        assert f"their {len(table)} intervals" in html.replace(",", "")
    else:
        assert "No pair is judged" in html or "Not shown: no two systems have a metric" in html


def test_a_study_of_two_systems_has_no_ranking(store, run):
    files = build(load(str(store(scores(run, {"svae_r": 4.0, "alice": 3.0}))))).files
    assert not [name for name in files if name.startswith(("ranks", "pairs"))]
    assert "Ranking" not in files["report.html"].decode()
    assert "Ranking" not in files["summary.md"].decode()


def test_a_report_calls_systems_as_the_manifest_does_and_compares_them_with_their_baselines(store, run):
    where = store(scores(run, {"mine": 4.0, "yours": 3.0, "alice": 2.0}))
    fields = json.loads((where / MANIFEST).read_text())
    names = {"labels": {"mine": "<Mine>"}, "baselines": {"mine": ["yours"]}}
    (where / MANIFEST).write_text(json.dumps(fields | names))
    html = build(load(str(where))).files["report.html"].decode()
    assert "At λ = 0.1, &lt;Mine&gt; against yours: inception score higher" in html
    assert (
        "shown better than &lt;Mine&gt; (1.00), while yours (2.00) and ALICE (3.00) are shown worse than another"
        in html
    )
    assert "<Mine>" not in html
