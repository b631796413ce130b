"""Planning: cohorts, their devices and their times."""
