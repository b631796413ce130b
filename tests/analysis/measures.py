"""Measures of the vocabulary of stored studies, by the names that tests call them."""

from analysis.vocabulary import Measure
from result_metrics import VERSION_1

MEASURES = {info.name: Measure.of(info) for info in VERSION_1}

MSE, INCEPTION, MODES, ON_MODE = (
    MEASURES[name] for name in ("mse_x", "inception_score", "modes_covered", "on_mode_share")
)
LOG_MSE, LOG_MSE_Z = MSE.compared, MEASURES["mse_z"].compared
KL_POSTERIOR, ELBO, LOG_LIKELIHOOD, KL_Z = (
    MEASURES[name] for name in ("kl_posterior", "elbo", "log_likelihood", "kl_z")
)
