"""The studies one runs: their declaration, planning, store, tracking and search."""
