"""What it takes to run a study elsewhere, and to measure it against what one would write instead."""
