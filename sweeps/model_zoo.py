"""Model zoo: every system on the same data, with the same networks, steps and seeds, in one table.

Source   the systems of the five papers (`trainables/objectives`); the comparison is ours.
Command  make study STUDY=model_zoo, or python sweeps/model_zoo.py [--data digits] [--preset smoke|embedded|paper] [--help]
         ray submit CLUSTER.yaml sweeps/model_zoo.py -- --preset paper --address auto
Cost     embedded: 5 seeds of each system, 1,600 iterations.
"""

from sweeps.cli import main
from sweeps.study import ALL, Preset, Study

STUDY = Study(
    name="model_zoo",
    question="How does every system fare on the same data, with the same networks, steps and seeds?",
    space={
        "depth": (2,),
        "width": (128,),
        "critic_depth": (2,),
        "learning_rate": (3e-4,),
        "beta1": (0.5,),
        "steps": (1,),
        "critic_dropout": (0.0,),
        "batch_size": (128,),
    },
    algorithms=ALL,
    presets={
        "smoke": Preset(iterations=100, lambdas=(1.0,), seeds=2),
        "embedded": Preset(iterations=1600, lambdas=(1.0,), seeds=5),
        "paper": Preset(iterations=16000, lambdas=(1.0,), seeds=10),
    },
)

if __name__ == "__main__":
    main(STUDY, description=__doc__)
