# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# ... since scipy publishes no types.
import numpy
import pytest
from scipy import stats

from reamo_mcp.evaluation.bootstrap import interval_of_f1, interval_of_f1_difference, interval_of_mean
from reamo_mcp.evaluation.calibration import calibration
from reamo_mcp.evaluation.counts import Counts, total
from reamo_mcp.evaluation.randomness import Dice, draws


def _scored(seed: int) -> list[tuple[float, bool]]:
    dice = Dice(f"scores {seed}")
    return [(dice.below(1001) / 1000, dice.chance(60)) for _ in range(dice.between(1, 200))]


@pytest.mark.parametrize("seed", range(30))
def test_the_calibration_error_is_that_of_the_definition_in_numpy(seed: int) -> None:
    scored = _scored(seed)
    scores = numpy.array([score for score, _ in scored])
    right = numpy.array([float(good) for _, good in scored])
    edges = numpy.linspace(0, 1, 11)
    places = numpy.clip(numpy.digitize(scores, edges, right=True) - 1, 0, 9)
    gaps = [
        (numpy.mean(places == index), abs(scores[places == index].mean() - right[places == index].mean()))
        for index in range(10)
        if (places == index).any()
    ]
    found = calibration(scored)
    assert found is not None
    assert found.error == pytest.approx(sum(share * gap for share, gap in gaps), abs=1e-9)
    assert found.brier == pytest.approx(float(((scores - right) ** 2).mean()), abs=1e-9)


def test_scores_that_tell_the_truth_have_no_calibration_error() -> None:
    found = calibration([(0.75, True)] * 3 + [(0.75, False)])
    assert found is not None
    assert found.error == pytest.approx(0)
    assert calibration([]) is None


def test_the_interval_of_a_mean_is_near_that_of_scipy() -> None:
    dice = Dice("interval")
    values = [dice.below(1000) / 1000 for _ in range(150)]
    ours = interval_of_mean(values, rounds=4000)
    theirs = stats.bootstrap((values,), numpy.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    assert ours is not None
    assert ours.low == pytest.approx(theirs.low, abs=0.005)
    assert ours.high == pytest.approx(theirs.high, abs=0.005)


def test_the_interval_of_f1_holds_the_f1_and_is_the_same_each_time() -> None:
    dice = Dice("counts")
    samples = [Counts(right := dice.below(4), right + dice.below(3), right + dice.below(3)) for _ in range(60)]
    ours = interval_of_f1(samples)
    assert ours is not None
    assert ours.low < total(samples).f1 < ours.high
    assert ours == interval_of_f1(samples)
    assert interval_of_f1([]) is None
    same = interval_of_f1_difference(samples, samples)
    assert same is not None
    assert same.low == same.high == 0


def test_draws_are_the_numbers_of_splitmix_and_cover_all_samples() -> None:
    assert draws(0, 1, 5).tolist() == [[4, 2, 0, 4, 0]]
    assert set(draws(1, 50, 7).ravel().tolist()) == set(range(7))


def test_a_seed_gives_the_same_stream_everywhere() -> None:
    dice = Dice("reamo")
    assert [dice.below(1000) for _ in range(6)] == [692, 371, 931, 586, 902, 337]
