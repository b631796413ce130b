"""The page, its figures and its style."""
