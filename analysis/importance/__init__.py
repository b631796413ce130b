"""What moves a metric: shares and components of variance, tuning, the best of k."""
