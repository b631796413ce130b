"""Adversary activated: does a VAE learn better from its own points as well, the more so the fewer data there are?

Source   Hu et al. 2018, §5.2 and table 3, there on MNIST; here on the 1,797 digits of scikit-learn.
Command  make study STUDY=adversary_activated, or python sweeps/adversary_activated.py [--data digits_1pct|digits_10pct|digits] [--help]
         on images, 1, 10 or 100 % of them: --data fashion_mnist:representation=binary,part=0.01 --set encoder dcgan --set decoder dcgan --set critic dcgan
         ray submit CLUSTER.yaml sweeps/adversary_activated.py -- --preset paper --address auto
Cost     embedded: 10 seeds of each system, of AAVAE and AACVAE at each of the paper's four temperatures, 3,000 iterations.
Expected a better bound: −122.89 → −122.15 with 1 % of MNIST, −104.49 → −103.05 with 10 %, −92.53 → −92.42 with all (paper).
"""

from sweeps.cli import main
from sweeps.importance_weighting import STUDY as WEIGHTING
from sweeps.model_zoo import STUDY as ZOO
from sweeps.study import Study

STUDY = Study(
    name="adversary_activated",
    question="Does a VAE learn better from its own points as well, as far as they deceive a critic?",
    space={**ZOO.space, "temperature": (1.0, 1.5, 3.0, 5.0)},
    algorithms=("aavae", "vae", "aacvae", "cvae"),
    presets=WEIGHTING.presets,
    data="digits",
)

if __name__ == "__main__":
    main(STUDY, description=__doc__)
