"""What MLflow shows of a study."""
