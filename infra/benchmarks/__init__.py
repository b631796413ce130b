"""This project against plain Ray Tune and others, on the same runs."""
