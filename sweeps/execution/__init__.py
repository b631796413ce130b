"""Execution on Ray: trials that train cohorts, their progress and their faults."""
