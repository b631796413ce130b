"""Matched λ: what is left of the difference between sVAE-r and ALICE where λ weighs as much in both?

Source   Chen et al., Symmetric Variational Autoencoder, §6.1; the comparison is ours. Before the squashing the gradient of
         the critic has the weight 1, after it about 1/2: sVAE-r at 2λ is to be compared with ALICE at λ. sVAE-r is trained
         as in its paper too, with explicit Gaussians, and ALICE with the reconstruction of x alone, as Li et al. have it.
Command  make study STUDY=matched_lambda, or python sweeps/matched_lambda.py [--preset smoke|embedded|paper] [--help]
         ray submit CLUSTER.yaml sweeps/matched_lambda.py -- --preset paper --address auto
Cost     embedded: 96 balanced configurations, 6 λ, 2,304 runs, about 4 core-hours.
Expected what is one of units of λ vanishes at 2λ; with more λ than is needed, sVAE-r loses the balance of modes later.
"""

from sweeps.cli import main
from sweeps.study import Preset, Study
from sweeps.toy_robustness import STUDY as ROBUSTNESS

LAMBDAS = (0.1, 0.2, 1.0, 2.0, 10.0, 20.0)
"""λ of ALICE, and twice as much."""

STUDY = Study(
    name="matched_lambda",
    question="What is left of the difference between sVAE-r and ALICE where λ weighs as much in both, on the toy data?",
    space=ROBUSTNESS.space,
    algorithms=("svae_r", "alice", "svae_r_explicit", "alice_x"),
    targets=ROBUSTNESS.targets,
    limits=ROBUSTNESS.limits,
    smallest_differences=ROBUSTNESS.smallest_differences,
    presets={
        "smoke": Preset(iterations=60, lambdas=LAMBDAS, limit=12),
        "embedded": Preset(iterations=1600, lambdas=LAMBDAS, limit=96),
        "paper": Preset(iterations=1600, lambdas=LAMBDAS, seeds=3, limit=192),
    },
)

if __name__ == "__main__":
    main(STUDY, description=__doc__)
