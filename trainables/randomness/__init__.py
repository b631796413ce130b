"""Random streams and the counter-based generator under them."""
