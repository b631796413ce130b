"""λ sweep: does ALICE trade generation for reconstruction as λ grows, and sVAE-r not?

Source   Chen et al., Symmetric Variational Autoencoder, §6.4 and figure 7 (there on CIFAR-10); the toy data and
         the configurations are those of toy_robustness, of which a balanced subset is trained.
Command  make study STUDY=lambda_sweep, or python sweeps/lambda_sweep.py [--preset smoke|embedded|paper] [--help]
         ray submit CLUSTER.yaml sweeps/lambda_sweep.py -- --preset paper --address auto
Cost     embedded: 48 configurations, 14 λ, 3 seeds, 4,032 runs.
Expected both reconstruct better as λ grows; ALICE's inception score falls, sVAE-r's does not (paper).
"""

from sweeps.cli import main
from sweeps.study import Preset, Published, Statement, Study
from sweeps.toy_robustness import STUDY as ROBUSTNESS

LAMBDAS = (0.0, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""0, and two a decade."""

_SVAE = "sVAE, later version (Chen et al.), section 6.4 and figure 7"

STUDY = Study(
    name="lambda_sweep",
    question="Does ALICE trade generation for reconstruction as λ grows, and sVAE-r not, on the toy data?",
    space=ROBUSTNESS.space,
    algorithms=ROBUSTNESS.algorithms,
    targets=ROBUSTNESS.targets,
    limits=ROBUSTNESS.limits,
    smallest_differences=ROBUSTNESS.smallest_differences,
    published=Published("mixture5", statements=(
        Statement("sVAE-r and ALICE", "both reconstruct better as λ grows (CIFAR-10)", _SVAE),
        Statement("alice", "the inception score falls once λ > 1e-3 (CIFAR-10)", _SVAE),
        Statement("svae_r", "the inception score does not fall with λ (CIFAR-10)", _SVAE),
    )),
    presets={
        "smoke": Preset(iterations=60, lambdas=(0.0, 0.01, 0.1, 1.0, 10.0), limit=12),
        "embedded": Preset(iterations=300, lambdas=LAMBDAS, seeds=3, limit=48),
        "paper": Preset(iterations=1600, lambdas=LAMBDAS, seeds=3, limit=48),
    },
)  # fmt: skip

if __name__ == "__main__":
    main(STUDY, description=__doc__)
