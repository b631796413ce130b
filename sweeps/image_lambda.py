"""λ on images: does ALICE trade generation for reconstruction as λ grows, and sVAE-r not?

Source   Chen et al., Symmetric Variational Autoencoder, §6.4 and figure 7, there on CIFAR-10; networks of Pu et al. 2017, figure 5.
Command  make data; make study STUDY=image_lambda, or python sweeps/image_lambda.py [--preset smoke|embedded|paper] [--data cifar10] [--help]
         ray submit CLUSTER.yaml sweeps/image_lambda.py -- --preset paper --address auto
Cost     embedded: 6 λ of 2 systems, 12 runs of 1,000 iterations. paper: 3 seeds, 36 runs of 3,000, 3.7 core-hours on a busy machine.
Expected both reconstruct better as λ grows; ALICE's inception score falls, sVAE-r's does not (paper).
"""

from sweeps.cli import main
from sweeps.study import Preset, Published, Statement, Study

LAMBDAS = (0.0, 1e-3, 0.01, 0.1, 1.0, 10.0)

_SVAE = "sVAE, later version (Chen et al.), section 6.4 and figure 7"

STUDY = Study(
    name="image_lambda",
    question="Does ALICE trade generation for reconstruction as λ grows, and sVAE-r not, on images?",
    data="fashion_mnist",
    space={
        "encoder": ("as_vae",),
        "decoder": ("as_vae",),
        "critic": ("as_vae",),
        "channels": (32,),
        "batch_size": (32,),
        "steps": (1,),
        "learning_rate": (3e-4,),
        "beta1": (0.5,),
    },
    algorithms=("svae_r", "alice"),
    headline=("mse_x", "inception_score", "frechet_distance"),
    published=Published("fashion_mnist", statements=(
        Statement("sVAE-r and ALICE", "both reconstruct better as λ grows (CIFAR-10)", _SVAE),
        Statement("alice", "the inception score falls once λ > 1e-3 (CIFAR-10)", _SVAE),
        Statement("svae_r", "the inception score does not fall with λ (CIFAR-10)", _SVAE),
    )),
    presets={
        "smoke": Preset(iterations=60, lambdas=(0.0, 0.1, 10.0)),
        "embedded": Preset(iterations=1000, lambdas=LAMBDAS),
        "paper": Preset(iterations=3000, lambdas=LAMBDAS, seeds=3),
    },
)  # fmt: skip

if __name__ == "__main__":
    main(STUDY, description=__doc__)
