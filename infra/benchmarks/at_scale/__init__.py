"""Everything that is not training, at the size of a million runs."""
