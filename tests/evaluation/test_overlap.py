# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# ... since scipy publishes no types.
from collections.abc import Sequence

import numpy
import pytest
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from reamo_mcp.evaluation.overlap import Overlaps, bce_and_dice, one_minus_iou, set_miou
from reamo_mcp.evaluation.places import (
    overlaps_of_segments,
    overlaps_of_tracks,
    seen_at,
    track_frames,
    track_miou,
)
from reamo_mcp.evaluation.randomness import Dice
from reamo_mcp.media.run_lengths import Pixels
from reamo_mcp.types.grounding import AudioSegment, Box, Keyframe, Provenance, TimeSpan, VideoTrack

BY = Provenance(model="test", step="locate")


def _of(gold: Sequence[Pixels], predicted: Sequence[Pixels], everything: int) -> Overlaps:
    return Overlaps(
        gold=tuple(float(mask.sum()) for mask in gold),
        predicted=tuple(float(mask.sum()) for mask in predicted),
        shared=tuple(tuple(float((one & other).sum()) for other in predicted) for one in gold),
        everything=everything,
    )


def _stretch(start: int, end: int) -> Pixels:
    mask = numpy.zeros(100, dtype=numpy.bool_)
    mask[start:end] = True
    return mask


def _reference(gold: list[Pixels], predicted: list[Pixels], *, optimal: bool) -> float | None:
    """The definition written out over pixels, with scipy."""
    size = max(len(gold), len(predicted))
    if size == 0:
        return None
    empty = numpy.zeros_like((gold or predicted)[0])
    golds, predictions = gold + [empty] * (size - len(gold)), predicted + [empty] * (size - len(predicted))

    def iou(one: Pixels, other: Pixels) -> float:
        union = (one | other).sum()
        return float((one & other).sum() / union) if union else 0.0

    def cost(one: Pixels, other: Pixels) -> float:
        if optimal:
            return 1 - iou(one, other)
        g: NDArray[numpy.float64] = one.astype(float)
        p: NDArray[numpy.float64] = other.astype(float)
        with numpy.errstate(divide="ignore"):
            logs = numpy.maximum(numpy.log(p), -100) * g + numpy.maximum(numpy.log(1 - p), -100) * (1 - g)
        return float(-logs.mean() + 1 - (2 * (g * p).sum() + 1) / (g.sum() + p.sum() + 1))

    costs = numpy.array([[cost(one, other) for other in predictions] for one in golds])
    rows, columns = linear_sum_assignment(costs)
    return float(numpy.mean([iou(golds[row], predictions[column]) for row, column in zip(rows, columns, strict=True)]))


@pytest.mark.parametrize(
    ("gold", "predicted", "published", "optimal"),
    [
        ([], [], None, None),
        ([(0, 10)], [], 0.0, 0.0),
        ([(0, 10)], [(0, 10), (50, 60)], 0.5, 0.5),
        ([(0, 10), (20, 40)], [(20, 40), (0, 5)], 0.75, 0.75),
        ([(0, 60), (60, 69)], [(0, 70), (0, 50)], 0.42857142857142855, 0.4809523809523809),
    ],
)
def test_known_sets_have_known_mious(
    gold: list[tuple[int, int]], predicted: list[tuple[int, int]], published: float | None, optimal: float | None
) -> None:
    overlaps = _of([_stretch(*span) for span in gold], [_stretch(*span) for span in predicted], 100)
    assert set_miou(overlaps, bce_and_dice) == pytest.approx(published, abs=1e-9)
    assert set_miou(overlaps, one_minus_iou) == pytest.approx(optimal, abs=1e-9)


@pytest.mark.parametrize("seed", range(60))
def test_the_miou_of_random_masks_is_that_of_the_definition_over_pixels(seed: int) -> None:
    dice = Dice(f"masks {seed}")

    def masks() -> list[Pixels]:
        return [
            numpy.array([dice.chance(40) for _ in range(100)], dtype=numpy.bool_) for _ in range(dice.between(0, 5))
        ]

    gold, predicted = masks(), masks()
    overlaps = _of(gold, predicted, 100)
    assert set_miou(overlaps, bce_and_dice) == pytest.approx(_reference(gold, predicted, optimal=False), abs=1e-9)
    assert set_miou(overlaps, one_minus_iou) == pytest.approx(_reference(gold, predicted, optimal=True), abs=1e-9)


def _heard(start: float, end: float) -> AudioSegment:
    return AudioSegment(id="g", media_id="sound", start=start, end=end, provenance=BY)


@pytest.mark.parametrize("seed", range(30))
def test_stretches_of_sound_score_as_masks_of_ten_milliseconds_where_they_fall_on_them(seed: int) -> None:
    dice = Dice(f"sound {seed}")

    def spans() -> list[tuple[int, int]]:
        starts = [dice.below(80) for _ in range(dice.between(1, 4))]
        return [(start, start + dice.between(1, 20)) for start in starts]

    gold, predicted = spans(), spans()
    overlaps = overlaps_of_segments(
        [_heard(start / 100, end / 100) for start, end in gold],
        [_heard(start / 100, end / 100) for start, end in predicted],
        1.0,
    )
    masks = [[_stretch(*span) for span in side] for side in (gold, predicted)]
    assert set_miou(overlaps) == pytest.approx(_reference(masks[0], masks[1], optimal=False), abs=1e-9)


def test_times_finer_than_ten_milliseconds_count_exactly() -> None:
    assert set_miou(overlaps_of_segments([_heard(0.0, 0.1)], [_heard(0.0, 0.105)], 1.0)) == pytest.approx(0.1 / 0.105)


def _track(*boxes: tuple[float, float], end: float = 9.0, visible: tuple[TimeSpan, ...] = ()) -> VideoTrack:
    frames = tuple(Keyframe(time=time, parts=(Box(x=left, y=0, width=10, height=10),)) for time, left in boxes)
    return VideoTrack(id="g", media_id="film", start=0, end=end, keyframes=frames, visible=visible, provenance=BY)


def test_a_track_moves_straight_between_keyframes_and_is_nowhere_outside_its_time() -> None:
    track = _track((0, 0), (2, 20), (4, 20), end=4)
    assert [box.x for time in (0, 1, 2, 3, 4) for box in seen_at(track, time)] == [0, 10, 20, 20, 20]
    assert seen_at(track, 5) == ()
    hidden = _track((0, 0), (4, 20), end=4, visible=(TimeSpan(start=0, end=0.5), TimeSpan(start=3.5, end=4)))
    assert seen_at(hidden, 2) == ()


def test_switched_identities_cost_nothing_per_frame_but_do_per_track() -> None:
    gold = [_track((0, 0), (1, 0)), _track((0, 50), (1, 50))]
    switched = [_track((0, 0), (1, 50)), _track((0, 50), (1, 0))]
    assert track_miou(track_frames(gold, switched, 100, 20)) == pytest.approx(1)
    assert set_miou(overlaps_of_tracks(gold, switched, 100, 20)) == pytest.approx(1 / 3)  # 100 shared of 300


def test_a_frame_in_which_gold_sees_one_of_two_tracks_counts_what_is_missed_there() -> None:
    gold = [_track((0, 0), (1, 0), (2, 0), end=2), _track((2, 50), end=2)]
    gold[1] = gold[1].model_copy(update={"start": 2.0})
    predicted = [_track((0, 0), (1, 5), (2, 0), end=2)]
    # frames: 1, then 5 of 15 columns shared, then one of two tracks
    assert track_miou(track_frames(gold, predicted, 100, 20)) == pytest.approx((1 + 1 / 3 + 1 / 2) / 3)


def test_tracks_where_gold_has_none_are_surplus() -> None:
    assert track_miou(track_frames([], [_track((0, 0), (1, 0))], 100, 20)) == 0
    assert track_miou(track_frames([], [], 100, 20)) is None
