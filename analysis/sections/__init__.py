"""Sections of a report, a file each, found by `contents`; files that begin with an underscore draw or print for them."""
