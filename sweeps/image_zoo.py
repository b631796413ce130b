"""Zoo of images: every system on the same pictures, with the same convolutional networks, steps and seeds.

Source   the systems of the five papers (`trainables/objectives`) with the networks of Pu et al. 2017, figure 5; the comparison is ours.
Command  make data; make study STUDY=image_zoo, or python sweeps/image_zoo.py [--data mnist|cifar10|svhn] [--preset smoke|embedded|paper] [--help]
         ray submit CLUSTER.yaml sweeps/image_zoo.py -- --preset paper --address auto
Cost     --dry-run says it. Networks of figures 6 to 8: --set scales 3 --set convolutions 3 --set channels 16 --set kernel 5 --set critic_kernel 5.
"""

from sweeps.cli import main
from sweeps.image_lambda import STUDY as IMAGES
from sweeps.study import ALL, Preset, Study

STUDY = Study(
    name="image_zoo",
    question="How does every system fare on the same pictures, with the same networks, steps and seeds?",
    data=IMAGES.data,
    space=IMAGES.space,
    algorithms=ALL,
    headline=IMAGES.headline,
    presets={
        "smoke": Preset(iterations=20, lambdas=(1.0,)),
        "embedded": Preset(iterations=600, lambdas=(1.0,)),
        "paper": Preset(iterations=30000, lambdas=(1.0,), seeds=3),
    },
)

if __name__ == "__main__":
    main(STUDY, description=__doc__)
