"""How runs are trained: Ray, its trials, and what goes wrong in them."""
