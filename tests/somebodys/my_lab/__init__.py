"""A repository of somebody's own: nothing in the project knows of it."""
