"""Rows in, figures and tables out: what a study's stored rows say, with no torch, ray or mlflow in the process.

    python -m analysis.report results/toy_robustness

`rows` reads a study with the vocabulary of its metrics; `statistics`, `importance`, `comparison` and `fragility` compute, each testable
without a pixel; a file of `sections` is one part of the report and yields `document.blocks`; `contents` finds the sections and has
`document.html` and `document.markdown` print them.
"""
