"""What MLflow's UI has prepared: views with charts, medians, and pictures of runs that the report shows."""
