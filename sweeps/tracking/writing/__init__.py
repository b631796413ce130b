"""Writing to MLflow: one process at a time, many runs in one transaction."""
