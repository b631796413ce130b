"""Search metrics by name, for tests."""

from result_metrics import VERSION_1

METRIC = {metric.name: metric for metric in VERSION_1}
SCORE, MSE = METRIC["inception_score"], METRIC["mse_x"]
