"""Search: what is proposed is a pure function of what was told, no point twice, divergence is learnt from."""

from __future__ import annotations

from typing import Any

import optuna
import pytest

from sweeps.search import STUDY as WIDE
from sweeps.strategies.optuna_search import Search, Settings, generations
from sweeps.strategies.sampling import samplers
from sweeps.strategies.sampling.samplers import SAMPLERS
from sweeps.study.space import Float, Int, Space, When
from sweeps.toy_robustness import STUDY
from tests.sweeps.search_metrics import MSE, SCORE
from trainables.runs import Configuration, Run

BOTH = (SCORE, MSE)


def run_of(configuration: Configuration) -> Run:
    return Run("searched", "alice", 0.1, 0, configuration, 20)


def search(
    sampler: str, runs: int = 24, generation: int = 8, seed: int = 0, space: Space = STUDY.space
) -> Search:
    metrics = BOTH if sampler == "nsga2" else BOTH[:1]
    return Search(space, Settings(sampler, metrics, runs, generation, seed), run_of)


def result(run: Run) -> dict[str, Any]:
    """A smooth response: width and β1 matter, the rate beyond 1e-3 diverges."""
    c = run.configuration
    if c.learning_rate > 9e-4:
        return {"outcome": "DIVERGED", "inception_score": None, "mse_x": None}
    return {
        "outcome": "COMPLETED",
        "inception_score": c.width / 64 + 2 * c.beta1,
        "mse_x": 1 / c.width + c.beta1,
    }


def finish(one: Search) -> list[list[Run]]:
    """Search to the end; the runs of each generation."""
    asked = []
    while runs := one.ask():
        one.tell({run.key: result(run) for run in runs})
        asked.append(runs)
    return asked


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_search_asks_in_generations_and_for_no_configuration_twice(sampler: str) -> None:
    asked = finish(search(sampler, runs=20))
    assert [len(runs) for runs in asked] == [8, 8, 4]
    assert len({run.key for runs in asked for run in runs}) == 20


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_search_is_a_function_of_seed_and_results(sampler: str) -> None:
    first, again, other = (finish(search(sampler, seed=seed)) for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_search_ends_when_a_small_grid_is_exhausted(sampler: str) -> None:
    space = {name: levels[:1] for name, levels in STUDY.space.items()} | {"width": (32, 64, 128)}  # type: ignore[index]
    one = search(sampler, runs=10, generation=2, space=space)
    asked = [run for runs in finish(one) for run in runs]
    assert sorted(run.configuration.width for run in asked) == [32, 64, 128]
    assert (one.exhausted, one.declared) == (True, 3)


def test_search_ends_when_a_small_range_is_exhausted() -> None:
    space = {name: levels[:1] for name, levels in STUDY.space.items()} | {"depth": Int(1, 3)}  # type: ignore[index]
    one = search("random", runs=10, generation=2, space=space)
    assert sorted(run.configuration.depth for runs in finish(one) for run in runs) == [1, 2, 3]


def test_tpe_turns_to_what_is_good_and_away_from_what_diverges() -> None:
    asked = finish(search("tpe", runs=80))
    late = [run.configuration for runs in asked[5:] for run in runs]
    share = {
        "best": sum(c.width == 128 and c.beta1 == 0.9 for c in late) / len(late),
        "diverged": sum(c.learning_rate > 9e-4 for c in late) / len(late),
    }
    assert share["best"] > 2 / 6  # twice what chance gives
    assert share["diverged"] < 1 / 3 / 2


def test_divergence_is_told_as_worst_and_infeasible_and_is_never_best() -> None:
    one = search("random", runs=30)
    finish(one)
    trials = one.history.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    gone = [t for t in trials if t.user_attrs["outcome"] == "DIVERGED"]
    assert len(trials) == 30
    assert gone
    assert {t.value for t in gone} == {float("-inf")}
    (best,) = one.best()
    assert best.value == max(t.value for t in trials)
    assert best.user_attrs["outcome"] == "COMPLETED"


def test_front_of_two_metrics_has_completed_runs_alone() -> None:
    one = search("nsga2", runs=40)
    finish(one)
    front = {tuple(trial.values) for trial in one.best()}
    assert front
    assert not any(a[0] >= b[0] and a[1] <= b[1] and a != b for a in front for b in front)


def test_search_is_without_a_best_when_everything_diverged_or_failed() -> None:
    one = search("nsga2", runs=8)
    runs = one.ask()
    one.tell({run.key: {"outcome": "DIVERGED"} for run in runs[1:]})
    assert one.best() == []


def test_generations_train_what_is_not_stored_and_continue_where_they_were() -> None:
    stored: dict[str, dict[str, Any]] = {}
    trained: list[str] = []

    def train(searches: list[Search], most: int) -> None:
        for count, stage in enumerate(generations(searches, lambda: stored)):
            runs = stage.runs
            if count == most:  # killed: half of a generation is stored
                runs = runs[: len(runs) // 2]
            trained.extend(run.key for run in runs)
            stored.update({run.key: result(run) for run in runs})
            if count == most:
                return

    train([search("tpe")], 1)
    assert len(trained) == 12
    train([search("tpe")], 99)
    assert len(trained) == len(set(trained)) == 24
    assert trained[:8] == [run.key for run in finish(search("tpe"))[0]]
    assert set(trained) == {run.key for runs in finish(search("tpe")) for run in runs}
    assert list(generations([search("tpe")], lambda: stored)) == []


def test_a_failed_run_is_asked_for_again_by_the_next_start() -> None:
    runs = next(generations([search("random")], dict)).runs
    stored = {run.key: result(run) for run in runs} | {runs[0].key: {"outcome": "FAILED"}}
    assert next(generations([search("random")], lambda: stored)).runs == (runs[0],)


def test_ranges_and_conditions_are_kept() -> None:
    asked = [
        run.configuration
        for runs in finish(search("tpe", runs=48, generation=16, space=WIDE.space))
        for run in runs
    ]
    assert len(set(asked)) == 48
    assert all(1e-5 <= c.learning_rate <= 1e-2 and c.batch_size % 32 == 0 for c in asked)
    assert all(c.critic_dropout == 0 for c in asked if c.critic_depth == 1)
    assert any(c.critic_dropout > 0 for c in asked)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("annealing", BOTH[:1], 8, 8), "search must be one of grid, random, tpe, nsga2, got 'annealing'"),
        (
            ("nsga2", (SCORE, SCORE), 8, 8),
            "nsga2 takes two metrics, got inception_score, inception_score; give --metrics",
        ),
        (("tpe", BOTH, 8, 8), "tpe takes one metric, got inception_score, mse_x"),
        (("nsga2", BOTH[:1], 8, 8), "nsga2 takes two metrics, got inception_score"),
        (("tpe", BOTH[:1], 0, 8), "runs must be >= 1, got 0"),
    ],
)
def test_settings_say_what_is_wrong(settings: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Settings(*settings)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Float(1.0, 0.0), "low <= high, got"),
        (lambda: Float(0.0, 1.0, log=True), "low > 0, got 0.0"),
        (lambda: Int(1, 8, step=2, log=True), "step must be >= 1, and 1 with log, got 2"),
        (lambda: search("tpe", space={"a": When("b", (1,), (1, 2), 0), "b": (1,)}), "declared before it"),
        (lambda: search("tpe", space={"a": ()}), "a must have at least one level, got none"),
        (WIDE.configurations, "a grid needs levels, but depth, .* have ranges; add --search"),
    ],
)
def test_spaces_say_what_is_wrong(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


@pytest.fixture
def short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Histories are cut early, so that a test of long ones is short."""
    monkeypatch.setattr(samplers, "LONGEST", 60)
    monkeypatch.setattr(samplers, "RECENT", 30)


def sizes(one: Search, generations: int) -> list[int]:
    """Results that the sampler has before each generation."""
    found = []
    for _ in range(generations):
        runs = one.ask()
        found.append(len(one.history.get_trials(states=samplers.RESULTS)))
        one.tell({run.key: result(run) for run in runs})
    return found


@pytest.mark.parametrize(
    ("sampler", "after"), [("random", 0), ("tpe", 30 + samplers.BEST), ("nsga2", 2 * 8 + 8)]
)
@pytest.mark.usefixtures("short_memory")
def test_a_long_history_is_cut_to_what_its_sampler_needs(sampler: str, after: int) -> None:
    one = search(sampler, runs=160)
    found = sizes(one, 20)
    assert found[:8] == list(range(0, 64, 8))
    assert max(found) <= 60
    assert found[8] <= after < 64
    assert len(one.told) == len(one.trials) == sum(one.outcomes().values()) == 160


@pytest.mark.usefixtures("short_memory")
def test_tpe_keeps_its_best_results_and_still_learns_from_them() -> None:
    one = search("tpe", runs=160)
    sizes(one, 20)
    values = sorted((trial.values[0] for trial in one.trials), reverse=True)
    kept = sorted((t.values[0] for t in one.history.get_trials(states=samplers.RESULTS)), reverse=True)
    assert kept[:10] == values[:10]
    late = [run.configuration for runs in one.proposed[15:] for run in runs]
    assert sum(c.beta1 == 0.9 for c in late) / len(late) > 1 / 2


@pytest.mark.usefixtures("short_memory")
def test_the_front_is_of_all_results_also_of_those_that_the_sampler_forgot() -> None:
    one = search("nsga2", runs=160)
    sizes(one, 20)
    done = [(t.values[0], -t.values[1]) for t in one.trials if t.user_attrs["outcome"] == "COMPLETED"]
    front = {a for a in done if not any(b[0] >= a[0] and b[1] >= a[1] and b != a for b in done)}
    assert {(t.values[0], -t.values[1]) for t in one.best()} == front


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.usefixtures("short_memory")
def test_nsga2_cut_to_its_last_generations_proposes_as_with_all_of_them(
    sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the others: a search that is cut proposes the same each time."""
    cut = [runs for runs in finish(search(sampler, runs=120)) if runs]
    if sampler == "nsga2":
        monkeypatch.setattr(samplers, "LONGEST", 10_000)
    assert [runs for runs in finish(search(sampler, runs=120)) if runs] == cut


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("generations", [1, 3, 7, 12])
@pytest.mark.usefixtures("short_memory")
def test_a_search_that_takes_up_what_was_told_proposes_the_same(sampler: str, generations: int) -> None:
    first = search(sampler, runs=160)
    sizes(first, 14)
    again = search(sampler, runs=160)
    again.take_up(first.recorded[:generations])
    assert again.proposed == first.proposed[:generations]
    assert again.ask() == first.proposed[generations]
    assert again.told == {run.key for runs in first.proposed[:generations] for run in runs}


def test_generations_are_not_taken_up_where_their_runs_are_others() -> None:
    first = search("tpe")
    finish(first)
    one = Search(STUDY.space, first.settings, lambda c: Run("searched", "svae_r", 0.1, 0, c, 20))
    one.take_up(first.recorded)
    assert (one.told, one.proposed) == (set(), [])
    other = search("tpe", generation=12)
    other.take_up(first.recorded)
    assert other.proposed == []
