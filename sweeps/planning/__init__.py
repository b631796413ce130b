"""Which runs train together, where, and for how long."""
