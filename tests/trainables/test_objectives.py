"""Contract of every objective that is found, and the special cases the papers name."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainables.factory import run, train
from trainables import objectives
from trainables.engine.blocks import Block
from trainables.engine.cohort import Cohort
from trainables.engine.gradients import gradients
from trainables.models.batch import Batch
from trainables.objectives.base import JointObjective

ALL = sorted(objectives.available())


def batch(**values: Any) -> Any:
    """A batch whose scores and reconstruction errors are given numbers."""
    return SimpleNamespace(**{name: torch.tensor(value) for name, value in values.items()})


def test_the_four_systems_of_the_robustness_study_are_found() -> None:
    assert {"ali", "alice", "svae", "svae_r"} <= set(ALL)


def test_find_names_what_there_is_when_the_algorithm_is_unknown() -> None:
    with pytest.raises(ValueError, match=r"algorithm must be one of .*ali, .*alice.*got 'vae0'"):
        objectives.find("vae0")


@pytest.mark.parametrize("name", ALL)
def test_objective_states_name_label_source_and_equation(name: str) -> None:
    objective = objectives.find(name)
    assert objective.name == name
    assert objective.label
    assert "Source:" in (type(objective).__doc__ or "")


# f_q = (0, 2), f_p = (1, −1), R_x = 0.25, R_z = 0.5, λ = 2. s(t) = log(1 + e^t).
def s(t: float) -> float:
    return math.log1p(math.exp(t))


EXPECTED = {
    "ali": (s(0) + s(-2)) / 2 + (s(1) + s(-1)) / 2,
    "ali_minimax": -(s(0) + s(2)) / 2 - (s(1) + s(-1)) / 2,
    "alice": (s(0) + s(-2)) / 2 + (s(1) + s(-1)) / 2 + 2 * 0.75,
    "alice_x": (s(0) + s(-2)) / 2 + (s(1) + s(-1)) / 2 + 2 * 0.25,
    "gan_minimax": -(s(1) + s(-1)) / 2,
    "svae": 0.0 - 1.0,  # E_p f = 0, E_q f = 1
    "svae_r": 0.0 - 1.0 + 2 * 0.75,
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_autoencoder_loss_is_the_equation(name: str) -> None:
    values = batch(f_q=[0.0, 2.0], f_p=[1.0, -1.0], R_x=0.25, R_z=0.5)
    loss = objectives.find(name).autoencoder(values, torch.tensor(2.0))
    assert loss.item() == pytest.approx(EXPECTED[name], abs=1e-6)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_critic_loss_is_equation_ten(name: str) -> None:
    values = batch(f_q=[0.0, 2.0], f_p=[1.0, -1.0])
    loss = objectives.find(name).critic(values, torch.tensor(2.0))
    assert loss.item() == pytest.approx((s(0) + s(2)) / 2 + (s(-1) + s(1)) / 2, abs=1e-6)


@pytest.mark.parametrize(("name", "player"), [(n, p) for n in ALL for p in objectives.find(n).form.players])
def test_a_step_changes_its_player_and_no_other(name: str, player: str) -> None:
    runs = [run(name), run(name, seed=1)]
    cohort = Cohort(runs, torch.device("cpu"))
    block = Block(runs, 0, torch.device("cpu"))
    before = {p: flat.clone() for p, flat in cohort.parameters.items()}
    with torch.inference_mode():
        losses = cohort.train(block, [(player, 0)])
    assert torch.isfinite(losses).all()
    for network, flat in cohort.parameters.items():
        assert torch.equal(flat, before[network]) == (network not in cohort.form.players[player])


@pytest.mark.parametrize(("general", "special"), [("alice", "ali"), ("alice_x", "ali"), ("svae_r", "svae")])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_lambda_zero_recovers_the_special_case_to_the_bit(general: str, special: str, dropout: float) -> None:
    a, b = run(general, lam=0.0, critic_dropout=dropout), run(special, lam=0.0, critic_dropout=dropout)
    results_a, weights_a = train([a])
    results_b, weights_b = train([b])
    for network, flat in weights_a[a.key].items():
        assert torch.equal(flat, weights_b[b.key][network])
    assert results_a[a.key].metrics == results_b[b.key].metrics


def test_the_documented_example_is_found_and_trains_beside_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how_to" / "own_objective.md").read_text()
    (example,) = re.findall(r"```python\n((?:(?!```).)*class Hinge.*?)```", page, flags=re.DOTALL)
    (tmp_path / "hinge.py").write_text(example)
    monkeypatch.setattr(objectives, "__path__", [*objectives.__path__, str(tmp_path)])
    objectives.available.cache_clear()
    try:
        together, _ = train([run("hinge", budget=20), run("alice", budget=20)])
        alone, _ = train([run("hinge", budget=20)])
        key = run("hinge", budget=20).key
        assert together[key].metrics == alone[key].metrics
    finally:
        objectives.available.cache_clear()
        sys.modules.pop("trainables.objectives.hinge", None)


class Undeclared(JointObjective):
    """Reads λ in the loss of encoder and decoder, and does not say so."""

    name = "undeclared"
    label = "Undeclared"

    def autoencoder(self, batch: Batch, lam: Tensor) -> Tensor:
        """Scalar loss."""
        return batch.f_p.mean() - batch.f_q.mean() + lam * batch.R_x


@pytest.mark.parametrize("native", [True, False])
def test_a_loss_that_reads_lambda_undeclared_is_refused_and_named(
    monkeypatch: pytest.MonkeyPatch, native: bool
) -> None:
    monkeypatch.setitem(objectives.available(), "undeclared", Undeclared())

    def trained() -> None:
        cohort = Cohort([run("undeclared")], torch.device("cpu"), native=native)
        noise = torch.zeros(1, 64, sum(cohort.form.dims(cohort.dataset).values()))
        gradients(cohort, "autoencoder", cohort.data[0][None, :64], noise, None)

    with pytest.raises(
        ValueError, match=r"an objective that reads λ must declare it, got undeclared.*lam = weight"
    ):
        trained()


def test_what_an_objective_declares_outside_of_configurations_has_lambda_first() -> None:
    assert objectives.find("alice").hyper_parameters == {"lam": None}
    assert list(objectives.find("aassvae").hyper_parameters) == ["lam", "temperature"]
    assert objectives.find("aassvae").hyper_parameters == {"lam": None, "temperature": 1.5}
    assert objectives.find("aavae").hyper_parameters == {"temperature": 1.5}
    assert objectives.find("gan").hyper_parameters == {}
