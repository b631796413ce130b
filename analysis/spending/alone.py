"""Ratios of device time to that of fused training, as `make bench` measured them; a test holds them to docs/benchmarks.json."""

RATIOS = {32: (36.3, 17.1), 64: (17.1, 8.1), 128: (7.7, 4.7), 256: (4.1, 2.7)}
"""Width of two hidden layers -> times this project's device time: one run at a time in eager PyTorch on all cores of a machine, and one
run per core at a time. On two cores of an AMD EPYC, toy data, batches of 128."""

SOURCE = "docs/benchmarks.md: two cores of an AMD EPYC, two hidden layers, the toy data, the ratio of the nearest width measured"
