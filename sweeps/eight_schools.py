"""Eight Schools: does an adversarial posterior come closer to the truth than Gaussian variational Bayes?

Source   Mescheder et al. 2017, §5.1 and figures 3 and 4. KL to the posterior is log p(y) − ELBO, log p(y) exact; the draws
         shown beside are 5,000 by NUTS (`infra.ground_truth`).
Command  make study STUDY=eight_schools, or python sweeps/eight_schools.py [--preset smoke|embedded|paper] [--help]
         ray submit CLUSTER.yaml sweeps/eight_schools.py -- --preset paper --address auto
Cost     embedded: 5 seeds of each, 5,000 iterations, about 10 minutes on 2 cores.
Expected KL to the posterior of AVB below those of Gaussian variational Bayes, mean-field and full-rank; both signs of τ
         (paper).
"""

from sweeps.cli import main
from sweeps.study import Preset, Study

STUDY = Study(
    name="eight_schools",
    question="Does an adversarial posterior come closer to the truth than Gaussian variational Bayes?",
    space={
        "depth": (2,),
        "width": (256,),
        "critic_depth": (4,),
        "learning_rate": (3e-4,),
        "beta1": (0.5,),
        "steps": (1,),
        "critic_dropout": (0.0,),
        "batch_size": (256,),
    },
    algorithms=("avb", "vae", "vae_full_rank", "avb_ac", "avb_prior", "avb_ac_prior", "vae_flow"),
    presets={
        "smoke": Preset(iterations=200, lambdas=(0.0,), seeds=2),
        "embedded": Preset(iterations=5000, lambdas=(0.0,), seeds=5),
        "paper": Preset(iterations=20000, lambdas=(0.0,), seeds=10),
    },
    data="eight_schools",
)

if __name__ == "__main__":
    main(STUDY, description=__doc__)
