"""The parts of a report: words, tables, figures."""
