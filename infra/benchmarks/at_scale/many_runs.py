"""Many runs: what does a run cost that hardly trains? One iteration of the smallest networks, through Ray, stored, folded and reported.

python -m infra.benchmarks.at_scale.many_runs --preset smoke     5,000 runs
python -m infra.benchmarks.at_scale.many_runs --preset whole     100,000 runs
"""

from __future__ import annotations

from sweeps.cli import main
from sweeps.study import Preset, Study

LAMBDAS = (0.0, 0.01, 0.1, 1.0, 10.0)

STUDY = Study(
    name="many_runs",
    question="What does a run cost that hardly trains?",
    space={
        "depth": (1,),
        "width": (8,),
        "critic_depth": (1,),
        "learning_rate": (1e-4, 2e-4, 3e-4, 5e-4, 7e-4, 1e-3, 2e-3, 3e-3, 5e-3, 7e-3),
        "beta1": (0.5, 0.6, 0.7, 0.8, 0.9),
        "steps": (1,),
        "critic_dropout": (0.0, 0.1, 0.2, 0.3, 0.4),
        "batch_size": (32,),
    },
    algorithms=("svae_r", "alice"),
    data="digits",
    presets={
        "smoke": Preset(iterations=1, lambdas=LAMBDAS, seeds=2),
        "whole": Preset(iterations=1, lambdas=LAMBDAS, seeds=40),
    },
)

if __name__ == "__main__":
    main(STUDY, description=__doc__)
