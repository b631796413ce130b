"""What Optuna proposes, from how much of a history, and the record of what it was told."""
