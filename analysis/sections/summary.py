"""The summary tables, beside what has been published."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from analysis.document.blocks import SMALL, Block, Details, File, Heading, Table, Text
from analysis.sections.base import Report, Section
from analysis.statistics.published import published_for, unlike
from analysis.statistics.summary import metric_cells, outcome_cells
from analysis.words import label
from result_names import exact

_COUNTING = (
    "How runs are counted: COMPLETED and DIVERGED runs are results and stand in every denominator. A DIVERGED run "
    "has no metrics, so medians, quartiles, means and standard deviations are over COMPLETED runs; the column "
    "“median, DIVERGED as worst” counts each DIVERGED run as worse than every value. FAILED runs (to be tried "
    "again) and STOPPED ones (ended early by a scheduler) are counted and otherwise left out. Intervals are 95 %: "
    "each by itself, over configurations, in which seeds are nested: Wilson’s for shares, for medians between order statistics "
    "(Hettmansperger & Sheather 1986), with several seeds each Woodruff’s (1952); none where there are fewer than five configurations."
)


@final
class Summary(Section):
    """Outcomes, and a table of each metric: the headline's open, the others folded."""

    name, order, title = "summary", 70, "Summary"

    def blocks(self, report: Report) -> Iterator[Block]:
        study, summary = report.study, report.summary
        yield File("summary.csv", summary.to_csv(index=False).encode())
        yield Text(_COUNTING, SMALL)
        yield Table(*outcome_cells(summary))
        for measure in study.measures:
            table = Table(*metric_cells(summary, measure))
            if measure in study.headline:
                yield Heading(measure.label)
                yield table
            else:
                yield Details(measure.label, [table], brief=True)
        yield Heading("Published")
        if found := published_for(study):
            cells = [
                [label(p.algorithm), "–" if p.lam is None else exact(p.lam), p.words, p.source] for p in found
            ]
            yield Table(["system", "λ", "published", "source"], cells, text_columns=4)
        elif why := unlike(study):
            yield Text(f"Published figures {why}: they do not stand beside them.", SMALL)
        else:
            yield Text("No published figures are recorded for this study.", SMALL)
