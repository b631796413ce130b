"""Arrays in, numbers out: estimates and their intervals, summaries."""
