"""The science: data, networks, objectives, metrics, and fused training of many runs at once.

Everything here but `ray_adapter` knows only torch and numpy.
"""
