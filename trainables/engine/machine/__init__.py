"""The machine that trains: its memory, its speed, and the arithmetic of its processor."""
