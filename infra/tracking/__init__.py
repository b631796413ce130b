"""A tracking server for a team: MLflow on PostgreSQL, behind passwords and a list of host names."""
