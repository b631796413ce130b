"""Strategies: a whole grid, a halved one, a search, or a grid until a question is decided."""
