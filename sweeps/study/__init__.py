"""What a study declares: its space, its presets, its question."""

from result_published import Published, Statement
from sweeps.study.declaration import ALL, Asked, Preset, Study
from sweeps.study.space import Float, Int, When

__all__ = ["ALL", "Asked", "Float", "Int", "Preset", "Published", "Statement", "Study", "When"]
