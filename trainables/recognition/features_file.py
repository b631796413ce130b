"""Somebody's own file by which images get their features (`trainables.recognition.scripted`), told without loading torch."""

from __future__ import annotations

from trainables.named_paths import NamedPath

FEATURES = NamedPath("GENERATIVE_ROBUSTNESS_FEATURES")
"""The file; without one, images get theirs by the classifiers of their data."""
