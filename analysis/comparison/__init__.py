"""Systems compared: pairs, verdicts, ranks, trends with λ."""
