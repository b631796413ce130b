"""AVB's synthetic example: does an encoder that is not Gaussian give a better model of four binary images?

Source   Mescheder et al. 2017, §5.2 and table 1: VAE against AVB, two-dimensional codes. Beside them AVB's
         adaptive contrast, both with the prior added to the critic (supplement), and the paper's two other critics: an inner
         product (§5.2) and an f-GAN's (§6.3).
Command  make study STUDY=avb_synthetic, or python sweeps/avb_synthetic.py [--preset smoke|embedded|paper] [--help]
         ray submit CLUSTER.yaml sweeps/avb_synthetic.py -- --preset paper --address auto
Cost     embedded: 10 seeds of each, width 128, about 20 minutes on 2 cores; paper: width 512 as well.
Expected log-likelihood −1.568 (VAE) and −1.403 (AVB), of an optimal −log 4 = −1.386 (paper).
"""

from sweeps.cli import main
from sweeps.study import Preset, Published, Statement, Study

# Printed are 88.5e-3 and 5.77e-3, which add up with the ELBO if they are per pixel, of four: here they are per image.
_PRINTED = {
    "vae": {"log_likelihood": -1.568, "reconstruction": 0.354, "elbo": -1.697, "kl_z": 0.165},
    "avb": {"log_likelihood": -1.403, "reconstruction": 0.0231, "elbo": -1.421, "kl_z": 0.026},
}

STUDY = Study(
    name="avb_synthetic",
    question="Does an encoder that is not Gaussian give a better model of four binary images?",
    space={
        "depth": (2,),
        "width": (128, 512),
        "critic_depth": (3,),
        "learning_rate": (1e-3,),
        "beta1": (0.5,),
        "steps": (1,),
        "critic_dropout": (0.0,),
        "batch_size": (128,),
    },
    algorithms=("vae", "avb", "avb_prior", "avb_ac", "avb_ac_prior", "avb_inner", "avb_f_gan"),
    presets={
        "smoke": Preset(iterations=600, lambdas=(0.0,), seeds=2, limit=1),
        "embedded": Preset(iterations=6000, lambdas=(0.0,), seeds=10, limit=1),
        "paper": Preset(iterations=6000, lambdas=(0.0,), seeds=10),
    },
    data="four_images",
    published=Published("four_images", iterations=6000, statements=tuple(
        Statement(algorithm, str(value).replace("-", "−"), "Mescheder et al. 2017, table 1", 0.0, metric, value)
        for algorithm, values in _PRINTED.items()
        for metric, value in values.items()
    )),
)  # fmt: skip

if __name__ == "__main__":
    main(STUDY, description=__doc__)
