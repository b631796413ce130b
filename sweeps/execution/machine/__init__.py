"""What the machine tells of a trial: energy, and how much of it is used."""
