"""A study of one's own: colour pictures, convolutional networks with batch normalisation, and every other part of this package."""

from sweeps.cli import main
from sweeps.study import Preset, Study

CONVOLUTIONAL = "my_lab.convolutional:Convolutional"

STUDY = Study(
    name="pictures",
    question="Do convolutional networks paint blobs in the right colours, whichever way they are optimised?",
    data="my_lab.colours:Blobs",
    space={
        "encoder": (CONVOLUTIONAL,),
        "decoder": (CONVOLUTIONAL,),
        "channels": (4,),
        "width": (32,),
        "critic_depth": (1,),
        "critic_dropout": (0.1,),
        "optimiser": ("adam", "my_lab.lion:Lion"),
        "learning_rate": (1e-3,),
        "beta1": (0.5,),
        "weight_decay": (0.0, 0.01),
        "beta2": (0.9,),
        "z_dim": (4, 6),
        "steps": (1,),
        "batch_size": (32,),
        "temperature": (1.5, 3.0),
        "critic_steps": (1, 2),
    },
    algorithms=("svae_r", "aavae", "wgan"),
    metrics=("my_lab.sliced_wasserstein:SlicedWasserstein",),
    headline=("mse_x", "sliced_wasserstein"),
    sections=("my_lab.sections:Cost",),
    presets={"smoke": Preset(iterations=40, lambdas=(0.1,))},
)

if __name__ == "__main__":
    main(STUDY, description=__doc__, py_modules=["my_lab"])
