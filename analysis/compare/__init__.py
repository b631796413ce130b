"""Two sets of stored runs beside each other: which are the same, which differ, and what changed around them."""
