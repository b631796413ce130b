"""Simulations of the coverage of intervals and of the error rates of verdicts."""
