"""A study of which two in twenty configurations diverge: python -m tests.drills.diverging."""

from __future__ import annotations

from sweeps.cli import main
from sweeps.study import Preset, Study

BAD = (1e4, 1e30)
"""Learning rates of which one gives infinite losses and one NaN."""

STUDY = Study(
    name="diverging",
    question="Are members that diverge counted, and found by no search?",
    space={
        "depth": (2,), "width": (32,), "critic_depth": (2,), "batch_size": (64,), "steps": (1,),
        "beta1": (0.5,), "critic_dropout": (0.0,),
        "learning_rate": (*(1e-4 * n for n in range(1, 19)), *BAD),
    },
    algorithms=("svae_r", "alice"),
    presets={"smoke": Preset(iterations=60, lambdas=(0.1,))},
)  # fmt: skip

if __name__ == "__main__":
    main(STUDY)
