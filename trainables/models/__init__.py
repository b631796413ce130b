"""What a model is: its networks and players, its densities, and its losses' view of a batch."""
