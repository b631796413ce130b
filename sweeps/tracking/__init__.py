"""Tracking: the mirror of a study in MLflow."""
