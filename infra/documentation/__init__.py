"""The documentation's reference, from docstrings, registries and command lines; `docs/conf.py` hands it to Sphinx."""
