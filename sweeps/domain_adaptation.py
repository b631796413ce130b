"""Domain adaptation: does a critic of features help a classifier in a domain that it has no labels of?

Source   Ganin et al. 2016, §5.2, there on MNIST, SVHN and others; Hu et al. 2018, §3.1. Here on the 1,797 digits of scikit-learn, half of
         them turned by 30° and without labels; λ = 0 learns from the other half alone.
Command  make study STUDY=domain_adaptation, or python sweeps/domain_adaptation.py [--preset smoke|embedded|paper] [--help]
         other shifts: --data digits_shifted:shift=thickened|moved|inverted; articles of clothing: --data fashion_mnist_shifted
         translated into the source and classified there: --algorithms ada cyclegan alice --set width 128
         ray submit CLUSTER.yaml sweeps/domain_adaptation.py -- --preset paper --address auto
Cost     embedded: 10 seeds of one configuration at five λ, 1,000 iterations, about a minute on 2 cores; paper: 8 configurations.
Expected accuracy on the target rises (Ganin et al.); no number, since the pair of domains is ours.
"""

from sweeps.cli import main
from sweeps.study import Preset, Study

STUDY = Study(
    name="domain_adaptation",
    question="Does a critic of features help a classifier in a domain that it has no labels of, and at which λ?",
    space={
        "depth": (2, 1),
        "width": (64, 128),
        "critic_depth": (2,),
        "learning_rate": (1e-3, 3e-4),
        "beta1": (0.5,),
        "steps": (1,),
        "critic_dropout": (0.0,),
        "batch_size": (64,),
    },
    algorithms=("ada",),
    headline=("target_accuracy", "accuracy"),
    presets={
        "smoke": Preset(iterations=100, lambdas=(0.0, 0.3), seeds=2, limit=1),
        "embedded": Preset(iterations=1000, lambdas=(0.0, 0.03, 0.1, 0.3, 1.0), seeds=10, limit=1),
        "paper": Preset(iterations=6000, lambdas=(0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0), seeds=10),
    },
    data="digits_shifted",
)

if __name__ == "__main__":
    main(STUDY, description=__doc__)
