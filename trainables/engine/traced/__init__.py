"""A cohort's blocks of iterations on torch's operations."""
