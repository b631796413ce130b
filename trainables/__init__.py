"""The science: data, networks, objectives, metrics, and fused training of many runs at once.

Everything here but `ray_adapter` knows only torch and numpy.
"""

import time

LOADED_AT = time.time()
"""Seconds since 1970. A source that changed later may not be what this process has loaded."""
