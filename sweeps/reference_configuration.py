"""Reference configuration: how do sVAE-r and ALICE go on where the released setting is trained longer?

Source   the released code of Li et al. 2017 (ALICE), its one setting of the toy data: 2 × 256 units, learning rate 1e-3,
         β₁ 0.5, batch 128, 5 encoder/decoder steps to one of the critic. It is none of the 576 of toy_robustness.
         Steps are 1 or 5: at 1 step, five times the iterations are the same number of updates of encoder and decoder.
Command  make study STUDY=reference_configuration, or python sweeps/reference_configuration.py [--preset smoke|embedded|paper] [--help]
         ray submit CLUSTER.yaml sweeps/reference_configuration.py -- --preset paper --address auto
Cost     embedded: 36 runs of 1,600 iterations, 11 core-minutes; five times that with --iterations 8000, in the same directory.
Expected more points on the modes with more iterations, at either system.
"""

from sweeps.cli import main
from sweeps.study import Preset, Study
from sweeps.toy_robustness import STUDY as ROBUSTNESS

STUDY = Study(
    name="reference_configuration",
    question="How do sVAE-r and ALICE go on where the released setting is trained longer, on the toy data?",
    space={
        "depth": (2,),
        "width": (256,),
        "critic_depth": (2,),
        "learning_rate": (1e-3,),
        "beta1": (0.5,),
        "steps": (1, 5),
        "critic_dropout": (0.0,),
        "batch_size": (128,),
    },
    algorithms=("svae_r", "alice"),
    targets=ROBUSTNESS.targets,
    limits=ROBUSTNESS.limits,
    smallest_differences=ROBUSTNESS.smallest_differences,
    headline=("mse_x", "inception_score", "on_mode_share"),
    presets={
        "smoke": Preset(iterations=60, lambdas=(1.0,)),
        "embedded": Preset(iterations=1600, lambdas=(0.1, 1.0, 10.0), seeds=3),
        "paper": Preset(iterations=8000, lambdas=(0.1, 1.0, 10.0), seeds=10),
    },
)

if __name__ == "__main__":
    main(STUDY, description=__doc__)
