"""Search: the best that a wide space holds, by Optuna; for a space that is too large for a grid.

Source   the toy data of Chen et al. §6.1; the space is ours, wider than the grid of toy_robustness.
Command  make study STUDY=search, or python sweeps/search.py [--search tpe|random|nsga2] [--runs 96] [--help]
         ray submit CLUSTER.yaml sweeps/search.py -- --runs 960 --address auto
Cost     embedded: 96 runs per algorithm and λ; a generation of 16 is proposed and trained at a time.
"""

from sweeps.cli import main
from sweeps.study import Float, Int, Preset, Study, When

STUDY = Study(
    name="search",
    question="What is the best inception score that each system reaches on the toy data, and with what?",
    space={
        "depth": Int(1, 4),
        "width": (32, 64, 128),
        "critic_depth": Int(1, 4),
        "batch_size": Int(32, 256, step=32),
        "steps": Int(1, 8, log=True),
        "learning_rate": Float(1e-5, 1e-2, log=True),
        "beta1": Float(0.0, 0.95),
        "critic_dropout": When("critic_depth", (2, 3, 4), Float(0.0, 0.5), otherwise=0.0),
    },
    algorithms=("svae_r", "alice"),
    presets={
        "smoke": Preset(iterations=60, lambdas=(0.1,)),
        "embedded": Preset(iterations=300, lambdas=(0.1,)),
        "paper": Preset(iterations=1600, lambdas=(0.1,)),
    },
    search="tpe",
)

if __name__ == "__main__":
    main(STUDY, description=__doc__)
