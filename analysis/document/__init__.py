"""Blocks of a report, their two printers, and the style of figures."""
