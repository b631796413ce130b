"""How the runs to train are chosen: all of a grid, halved, searched, or until a question is decided."""
