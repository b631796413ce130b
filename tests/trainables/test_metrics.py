"""Metrics against values derived by hand: good, bad and degenerate samplers."""

import math

import pytest
import torch

from result_metrics import VERSION_1
from tests.trainables.pictures import Bars
from trainables import datasets, metrics, objectives
from trainables.datasets import mixture
from trainables.metrics import modes
from trainables.metrics.base import END, Metric
from trainables.metrics.evaluated import Evaluated
from trainables.metrics.inception_score import inception_score
from trainables.metrics.squared_error import mean_squared_error
from trainables.models.batch import Model
from trainables.randomness.streams import stream

MEANS = torch.tensor(mixture.MEANS, dtype=torch.float64)


def scores(x: torch.Tensor) -> tuple[float, float, float]:
    """Inception score, modes covered, on-mode share."""
    x = x.double()
    score = inception_score(mixture.log_posterior(x))
    return (
        score.item(),
        modes.modes_covered(x, mixture.MEANS, mixture.VARIANCE).item(),
        modes.on_mode_share(x, mixture.MEANS, mixture.VARIANCE).item(),
    )


def test_mean_squared_error_averages_over_points_and_dimensions() -> None:
    # Squares 1, 4, 0, 9 over four numbers: 14 / 4.
    error = mean_squared_error(torch.tensor([[1.0, 2.0], [0.0, 3.0]]), torch.zeros(2, 2))
    assert error.item() == pytest.approx(3.5)


def test_scores_are_best_when_samples_sit_on_all_means_equally() -> None:
    score, covered, share = scores(MEANS.repeat(20, 1))
    assert score == pytest.approx(5.0)
    assert (covered, share) == (5.0, 1.0)


def test_scores_of_true_samples_match_the_published_ones() -> None:
    # Published for the released toy data: 4.977. On-mode share: P(χ²₂ ≤ 9) = 1 − e^{−4.5} = 0.98889.
    score, covered, share = scores(mixture.sample(1024, stream("true samples")))
    assert 4.95 < score <= 5.0
    assert covered == 5.0
    assert share == pytest.approx(1 - math.exp(-4.5), abs=0.01)


def test_scores_of_a_single_mode_are_one() -> None:
    score, covered, share = scores(MEANS[1].repeat(100, 1))
    assert score == pytest.approx(1.0)  # p(y|x) = p(y): KL = 0
    assert (covered, share) == (1.0, 1.0)


def test_inception_score_of_two_modes_weighted_three_to_one() -> None:
    # KL per point: ¾·log(1/¾) + ¼·log(1/¼) = 0.5623; e^0.5623 = 1.7548.
    score, covered, _ = scores(torch.cat([MEANS[0].repeat(75, 1), MEANS[3].repeat(25, 1)]))
    assert score == pytest.approx(math.exp(0.75 * math.log(4 / 3) + 0.25 * math.log(4)))
    assert covered == 2.0


def test_uniform_noise_scores_high_and_the_on_mode_share_tells() -> None:
    # Uniform on [−4, 4]²: five discs of radius 0.6 cover 5π·0.36 / 64 = 0.0884 of the square.
    x = torch.from_numpy(stream("noise").uniform(-4, 4, size=(20_000, 2)))
    score, _, share = scores(x)
    assert score > 4.0
    assert share == pytest.approx(5 * math.pi * 0.36 / 64, abs=0.006)


def test_points_off_the_modes_cover_none_though_their_posterior_is_confident() -> None:
    score, covered, share = scores(10 * MEANS[1:].repeat(25, 1))
    assert score == pytest.approx(4.0)
    assert (covered, share) == (0.0, 0.0)


@pytest.mark.parametrize(("inside", "covered"), [(20, 2.0), (19, 1.0)])
def test_a_mode_is_covered_from_a_tenth_of_its_fair_share(inside: int, covered: float) -> None:
    # 1,000 points, 5 modes: a tenth of 200 is 20.
    x = torch.cat([MEANS[0].repeat(1000 - inside, 1), MEANS[2].repeat(inside, 1)])
    assert modes.modes_covered(x, mixture.MEANS, mixture.VARIANCE).item() == covered


def test_a_point_is_on_a_mode_up_to_three_standard_deviations() -> None:
    # σ = 0.2, so the radius is 0.6.
    x = torch.tensor([[0.599, 0.0], [0.601, 0.0]], dtype=torch.float64)
    assert modes.on_mode(x, mixture.MEANS, mixture.VARIANCE).any(-1).tolist() == [True, False]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_scores_of_points_that_are_not_finite_are_not_finite(bad: float) -> None:
    x = torch.full((8, 2), bad, dtype=torch.float64)
    assert not math.isfinite(inception_score(mixture.log_posterior(x)).item())


def test_metrics_of_levels_follow_from_the_bound_and_the_error() -> None:
    data = datasets.find("digits_grey")
    x = torch.zeros(3, 64)
    model = Model(
        {"encoder": lambda x, epsilon: epsilon, "decoder": lambda z, xi: xi},
        objectives.find("ali").form,
        data,
    )

    def of(elbo: float) -> Evaluated:
        at = Evaluated(
            model, x, {"epsilon": torch.zeros(3, 8)}, lambda model, x, epsilon: torch.full((3,), elbo)
        )
        vars(at)["x_again"] = torch.full((3, 64), 0.1).double()
        return at

    bits, rmse = metrics.find("bits_per_dim"), metrics.find("rmse")
    # A density of 17 in each dimension is one level's width: it is known, and costs nothing
    assert bits(of(64 * math.log(17.0))).item() == pytest.approx(0.0, abs=1e-5)
    assert rmse(of(0.0)).item() == pytest.approx(1.7)
    # A uniform density on [0, 1]: log2(17) bits
    assert bits(of(0.0)).item() == pytest.approx(math.log2(17))
    assert not bits.applies(model.form, data, bound=False)
    assert not rmse.applies_to(datasets.find("digits"))


def test_what_is_available_begins_with_the_frozen_vocabulary_of_stored_studies_in_its_order() -> None:
    found = tuple(metric.info for metric in metrics.available().values())
    assert found[: len(VERSION_1)] == VERSION_1
    later = [metric.name for metric in found[len(VERSION_1) :]]
    assert later == sorted(later)


@pytest.mark.parametrize("name", ["mixture5", "digits", "digits_grey", "four_images", "eight_schools"])
def test_data_of_stored_studies_gain_no_metric_but_those_of_the_end_where_their_density_is_known(
    name: str,
) -> None:
    data = datasets.find(name)
    gained = metrics.applicable(data).keys() - {metric.name for metric in VERSION_1}
    assert bool(gained) == data.density
    assert all(metrics.find(one).when is END for one in gained)


@pytest.mark.parametrize("metric", metrics.available().values(), ids=list(metrics.available()))
def test_a_metric_says_what_it_computes_and_applies_to_some_data(metric: Metric) -> None:
    assert metric.__doc__
    assert any(metric.applies_to(data) for data in (*datasets.available().values(), Bars()))
    assert metrics.find(metric.name).info == metric.info


BESTS = {"four_images": {"inception_score": 4.0}, "digits": {"inception_score": 10.0}, "eight_schools": {},
         "mixture5": {"inception_score": 5.0, "modes_covered": 5.0, "on_mode_score": 5.0}}  # fmt: skip


@pytest.mark.parametrize("name", BESTS)
def test_the_best_value_of_a_metric_is_as_the_data_decide(name: str) -> None:
    data = datasets.find(name)
    bests = {n: metric.best_on(data) for n, metric in metrics.applicable(data).items()}
    assert {n: best for n, best in bests.items() if best is not None} == BESTS[name]


def test_an_unknown_metric_is_told_with_those_there_are_and_the_nearest() -> None:
    with pytest.raises(
        ValueError, match=r"metric must be one of mse_x, .*got 'inception'; did you mean inception_score\?"
    ):
        metrics.find("inception")


class Unsure(Metric):
    """Declares this and that."""

    name, label, better = "unsure", "unsure", 1

    def __call__(self, at: Evaluated) -> torch.Tensor:
        """The mean."""
        return at.x.mean()


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"needs": ("encodr",)}, r"unsure of .* must need some of labels, .*got 'encodr'"),
        ({"needs": "encoder"}, "must be a tuple of words, got 'encoder'"),
        ({"when": "end"}, "must be EVERY or END, got 'end'"),
        ({"better": 2}, "LARGER or SMALLER is better, got 2"),
        ({"worst": math.nan}, "worst of the metric unsure must be finite"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(declared: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        type("Declared", (Unsure,), declared)().checked()


def test_numbers_are_drawn_by_a_metric_that_takes_models_alone() -> None:
    model = Model({}, objectives.find("ali").form, datasets.find("mixture5"))
    with pytest.raises(RuntimeError, match="declares alone = True"):
        Evaluated(model, torch.zeros(2, 2), {}).draw(3, name="epsilon")
