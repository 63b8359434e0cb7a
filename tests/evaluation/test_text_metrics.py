import pytest

from reamo_mcp.evaluation.text_metrics import Judged, Scored, best_threshold, calibration_error, pooled

RIGHT, WRONG = True, False


def test_answers_below_the_threshold_or_on_too_weak_a_ground_do_not_count() -> None:
    judged = Judged((Scored(0.9, 0.9, RIGHT), Scored(0.9, 0.2, WRONG), Scored(0.1, 0.9, WRONG)), gold=2)
    counted = pooled([judged], 0.5, 0.5)
    assert (counted.right, counted.predicted, counted.gold) == (1, 1, 2)


def test_the_best_threshold_parts_right_from_wrong() -> None:
    answers = tuple(Scored(score / 100, 1.0, score > 60) for score in range(1, 100))
    assert best_threshold([[Judged(answers, 39)]]) == pytest.approx(0.61)


def test_of_thresholds_that_differ_by_less_than_tells_anything_the_lowest_is_taken() -> None:
    answers = tuple(Scored(score / 100, 1.0, score > 60) for score in range(1, 100))
    loose = best_threshold([[Judged(answers, 39)]], tolerance=0.02)
    assert loose < 0.61
    assert pooled([Judged(answers, 39)], loose).f1 >= 0.98 > pooled([Judged(answers, 39)], loose - 0.01).f1


def test_scores_that_mean_what_they_say_have_no_calibration_error() -> None:
    half = [(0.5, number % 2 == 0) for number in range(100)]
    assert calibration_error(half) == pytest.approx(0, abs=0.01)
    assert calibration_error([(0.9, WRONG)] * 50) == pytest.approx(0.9)
