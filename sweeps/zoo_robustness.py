"""Robustness of the zoo: which of all systems depends least on its hyper-parameters, on the toy data?

Source   the systems of the five papers (`trainables/objectives`); the comparison is ours. A balanced subset of the
         configurations of toy_robustness, the same for every system, with one encoder/decoder step: equal iterations are
         equal updates then.
Command  make study STUDY=zoo_robustness, or python sweeps/zoo_robustness.py [--data digits] [--preset smoke|embedded|paper] [--help]
         ray submit CLUSTER.yaml sweeps/zoo_robustness.py -- --preset paper --address auto
Cost     embedded: 24 configurations and 2 seeds of each system, an hour on two cores.
"""

from result_manifest import AT_LEAST, Bound
from sweeps.cli import main
from sweeps.study import ALL, Preset, Study
from sweeps.toy_robustness import STUDY as ROBUSTNESS

GENERATES = (Bound("inception_score", AT_LEAST, 4.5), Bound("on_mode_share", AT_LEAST, 0.5))
"""Balances the modes, and half of what it generates is on one: what every system with a decoder can be asked."""

STUDY = Study(
    name="zoo_robustness",
    question="Which system depends least on its hyper-parameters?",
    space={**ROBUSTNESS.space, "steps": (1,)},
    algorithms=ALL,
    targets=(GENERATES,),
    limits=(Bound("modes_covered", AT_LEAST, 5), Bound("inception_score", AT_LEAST, 4.0)),
    smallest_differences=ROBUSTNESS.smallest_differences,
    presets={
        "smoke": Preset(iterations=60, lambdas=(1.0,), limit=12),
        "embedded": Preset(iterations=1600, lambdas=(1.0,), seeds=2, limit=24),
        "paper": Preset(iterations=16000, lambdas=(1.0,), seeds=3, limit=96),
    },
)

if __name__ == "__main__":
    main(STUDY, description=__doc__)
