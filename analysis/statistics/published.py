"""Published figures that the toy study is held against, each with its source.

Numbers are as printed by their authors. None of the papers lists its 576 configurations, so agreement is
expected in kind (which system is better, how widely it spreads), not digit by digit.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.rows import Rows

_ALICE_README = "README of the released ALICE code (Li et al. 2017), 576 configurations"
_ALICE_NOTEBOOK = "plotting notebook of the released ALICE code (Li et al. 2017)"
_SVAE = "sVAE, later version (Chen et al.), section 6.1 and figure 3"
_SVAE_LAMBDA = "sVAE, later version (Chen et al.), section 6.4 and figure 7"


@dataclass(frozen=True)
class Published:
    """One published statement about the toy data.

    Attributes:
        system: algorithm as in the rows, or words for what is not one.
        lam: λ, or None where it does not apply.
        column: the metric's column in the rows, or '' for a statement in words.
        mean, std: as printed; None where not printed.
        statement: what the source says.
        source: where.
    """

    system: str
    lam: float | None
    column: str
    mean: float | None
    std: float | None
    statement: str
    source: str


TOY = (
    Published("alice", 1.0, "inception_score", 4.595, 0.604, "inception score 4.595 ± 0.604 (mean ± std)", _ALICE_README),
    Published("alice", 1.0, "mse_x", 0.022, 0.029, "MSE 0.022 ± 0.029 (mean ± std)", _ALICE_README),
    Published("true samples", None, "inception_score", 4.977, None, "inception score 4.977 under a perfect classifier",
              _ALICE_NOTEBOOK),
    Published("denoising autoencoder", None, "mse_x", 0.003, None, "MSE 0.003", _ALICE_NOTEBOOK),
    Published("sVAE-r against ALICE", 0.1, "", None, None,
              "both reconstruct at λ = 0.1; sVAE-r has the better overall inception score", _SVAE),
)  # fmt: skip


LAMBDA = (
    Published("sVAE-r and ALICE", None, "", None, None, "both reconstruct better as λ grows (CIFAR-10)", _SVAE_LAMBDA),
    Published("alice", None, "", None, None, "the inception score falls once λ > 1e-3 (CIFAR-10)", _SVAE_LAMBDA),
    Published("svae_r", None, "", None, None, "the inception score does not fall with λ (CIFAR-10)", _SVAE_LAMBDA),
)  # fmt: skip


_AVB = "Mescheder et al. 2017, table 1"
# Printed are 88.5e-3 and 5.77e-3, which add up with the ELBO if they are per pixel, of four: here they are per image.
AVB = tuple(
    Published(system, 0.0, column, value, None, str(value).replace("-", "−"), _AVB)
    for system, values in (
        ("vae", (-1.568, 0.354, -1.697, 0.165)),
        ("avb", (-1.403, 0.0231, -1.421, 0.026)),
    )
    for column, value in zip(("log_likelihood", "reconstruction", "elbo", "kl_z"), values, strict=True)
)


@dataclass(frozen=True)
class Printed:
    """Published statements, and the runs that they can stand beside.

    Attributes:
        study: its name.
        data: of its data version, without the number.
        iterations: budget from which runs are comparable in kind.
        statements: in reading order.
    """

    study: str
    data: str
    iterations: int
    statements: tuple[Published, ...]


_PRINTED = (
    Printed("toy_robustness", "mixture5", 1600, TOY),
    Printed("lambda_sweep", "mixture5", 0, LAMBDA),
    Printed("avb_synthetic", "four_images", 6000, AVB),
)


def published_for(study: Rows) -> tuple[Published, ...]:
    """What has been published about these data, of runs trained as long; nothing where a sampler chose the runs."""
    return () if unlike(study) else tuple(p for printed in _about(study) for p in printed.statements)


def unlike(study: Rows) -> str:
    """Why what has been published about a study's question does not stand beside its runs; empty where it does, or nothing has."""
    for printed in _about(study):
        data = study.runs["data_version"].iloc[0]
        if data.rpartition("-v")[0] != printed.data:
            return f"are of {printed.data}, these runs of {data}"
        if study.budget < printed.iterations:
            return f"are of {printed.iterations:,} iterations, these runs of {study.budget:,}"
        if study.manifest.searched:
            return "are of a grid, and a sampler chose these runs"
    return ""


def _about(study: Rows) -> list[Printed]:
    """What is printed about a study, on whichever data and chosen by whichever sampler."""
    name = study.manifest.study
    return [p for p in _PRINTED if name == p.study or name.startswith(f"{p.study}-")]


def published_value(study: Rows, system: str, lam: float, column: str) -> Published | None:
    """The published mean and std of one metric of one system at one λ, or None."""
    found = [p for p in published_for(study) if (p.system, p.lam, p.column) == (system, lam, column)]
    return found[0] if found else None
