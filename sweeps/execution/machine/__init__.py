"""Measurements of the machine that a trial runs on: energy and utilisation."""
