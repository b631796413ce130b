"""Rows in, figures and tables out: what a study's stored rows say, with no torch, ray or mlflow in the process.

    python -m analysis.report results/toy_robustness

`rows` reads a study, `summary`, `paired`, `histograms`, `learning` and `exemplars` compute (each testable
without a pixel), the `*_figures` modules only draw, and `contents` puts the page together.
"""
