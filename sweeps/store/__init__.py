"""Store of a study: its rows, its lease, and their provenance."""
