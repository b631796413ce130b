"""Numerical estimates of likelihoods and divergences."""
