"""A cohort's blocks of iterations in C++: kernels, and losses lowered from torch's graphs."""
