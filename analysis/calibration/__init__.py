"""How often intervals cover and verdicts are false, by simulation."""
