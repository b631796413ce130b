"""Networks, and the precision of their products."""
