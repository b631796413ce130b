"""Names of algorithms, data sets and their variants, and declared numbers, as rows, reports and MLflow write them.

Shared by `trainables`, `sweeps` and `analysis`; imports none of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

STORED_ORDER = (
    "svae_r", "alice", "svae", "ali", "alice_cycle", "vae", "aavae", "avb", "avb_ac", "avb_prior", "avb_ac_prior", "aae",
    "vae_full_rank", "vae_flow", "as_vae_flow", "ssvae", "aassvae", "as_vae", "as_vae_r", "as_vae_g",
    "cvae", "aacvae", "cgan", "iwcgan", "gan", "symmetric_gan", "iwgan", "infogan", "wgan", "wgan_gp",
)  # fmt: skip
"""Algorithms of studies from before manifests named them, in reading order; nothing is added."""


def in_reading_order(algorithms: Collection[str]) -> list[str]:
    """Algorithms as reports list them: those of STORED_ORDER first, others by name."""
    return [a for a in STORED_ORDER if a in algorithms] + sorted(set(algorithms).difference(STORED_ORDER))


def exact(value: float) -> str:
    """A declared number, such as λ: the six digits of `%g` if they are the number, else as many as tell it from any other."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value if isinstance(value, int) else float(value))


def variant(name: str, values: Mapping[str, int | float | str]) -> str:
    """The name of an algorithm or a data set with values of its own hyper-parameters: `aavae:temperature=3`; its own name for none."""
    words = ",".join(
        f"{parameter}={value if isinstance(value, str) else exact(value)}"
        for parameter, value in values.items()
    )
    return f"{name}:{words}" if words else name


def split_variant(algorithm: str) -> tuple[str, str]:
    """Name of an algorithm or a data set, and values of its own hyper-parameters as its variant's name has them; '' for none."""
    name, _, words = algorithm.rpartition(":")
    return (name, words) if name and "=" in words else (algorithm, "")


def own_values(
    algorithm: str, what: str = "an algorithm", like: str = "aavae:temperature=3"
) -> dict[str, str]:
    """Hyper-parameter -> value of an algorithm's own ones, as its name has them: {'temperature': '3'} of aavae:temperature=3.

    Args:
        algorithm: its name, or a data set's.
        what, like: for the message, what it is the name of, and an example.

    Raises:
        ValueError: the text after its name is none.
    """
    values: dict[str, str] = {}
    for words in filter(None, split_variant(algorithm)[1].split(",")):
        name, equals, value = words.partition("=")
        if not (name.isidentifier() and equals and value) or name in values:
            raise ValueError(
                f"{what} with hyper-parameters of its own must be like {like}, got {algorithm!r}"
            )
        values[name] = value
    return values
