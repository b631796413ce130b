"""Training: members of a cohort fused into arrays, evaluated and kept."""
