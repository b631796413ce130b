"""Likelihood of images: which system assigns held-out pictures a high likelihood and generates good ones, too?

Source   Pu et al. 2017, table 1 and figure 5; Chen et al., table 1; Mescheder et al. 2017, table 2; there on MNIST.
Command  make data; make study STUDY=image_likelihood, or python sweeps/image_likelihood.py [--data mnist:representation=dequantised] [--help]
         binary pixels, on which AS-VAE is not defined: --data fashion_mnist:representation=binary --algorithms vae vae_flow:length=80 avb avb_ac
         ray submit CLUSTER.yaml sweeps/image_likelihood.py -- --preset paper --address auto
Cost     --dry-run says it.
Expected AS-VAE-r has the highest likelihood of AS-VAE and its halves, AS-VAE-g the lowest by far; AVB beats VAE (papers). sVAE's
         networks are implicit: it has an inception score and no likelihood.
"""

from sweeps.cli import main
from sweeps.image_lambda import STUDY as IMAGES
from sweeps.study import Preset, Study

STUDY = Study(
    name="image_likelihood",
    question="Which system assigns held-out pictures a high likelihood and generates good ones, too?",
    data="fashion_mnist:representation=dequantised",
    space=IMAGES.space,
    algorithms=(
        "svae",
        "svae_r",
        "as_vae",
        "as_vae_r",
        "as_vae_g",
        "vae",
        "vae_flow:length=80",
        "avb",
        "avb_ac",
    ),
    headline=("bits_per_dim", "inception_score", "frechet_distance"),
    presets={
        "smoke": Preset(iterations=20, lambdas=(0.3,)),
        "embedded": Preset(iterations=600, lambdas=(0.3,)),
        "paper": Preset(iterations=30000, lambdas=(0.3,), seeds=3),
    },
)

if __name__ == "__main__":
    main(STUDY, description=__doc__)
