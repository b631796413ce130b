"""How fragile systems are in their hyper-parameters."""
