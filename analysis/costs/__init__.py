"""Command that says what a study cost."""
