"""The check without which a find does not count; it needs no model: it is tried on detectors of known habits."""

from collections.abc import Callable

import numpy
import pytest

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.phrase_detection import NEGATIVES, Decision, Detection, located, negatives, winning
from reamo_mcp.types.grounding import Box
from tests.doubles.signal_modules import COLOURS, AlwaysDetector, BlobDetector, share_of

WHOLE = Box(x=0, y=0, width=80, height=60)
DECISION = Decision(threshold=0.3, margin=0.05)
ABSENT = [f"the {size} {thing}" for size in ("old", "small", "broken", "painted") for thing in (
    "dog", "cat", "man", "woman", "car", "boat", "cup", "chair", "tree", "horse", "guitar", "ball", "hat", "sign",
    "bridge", "plane", "phone", "book", "bird", "cake", "clock", "door", "shoe", "cow", "bench", "vase", "kite",
    "fork", "bear", "truck", "lamp", "rope", "flag", "coat", "drum", "goat", "nest", "ring", "sock", "tent",
)]  # fmt: skip


def picture(**shapes: tuple[int, int, int, int]) -> Picture:
    pixels = numpy.full((60, 80, 3), 255, numpy.uint8)
    for colour, (left, top, right, bottom) in shapes.items():
        pixels[top:bottom, left:right] = COLOURS[colour]
    return Picture(pixels, 1.0, 80, 60)


def random_place(phrase: str) -> Box:
    x, y = 40 * share_of(phrase, "x"), 30 * share_of(phrase, "y")
    return Box(x=x, y=y, width=10 + 30 * share_of(phrase, "w"), height=10 + 20 * share_of(phrase, "h"))


HABITS: dict[str, Callable[[str], tuple[Box, float]]] = {
    "always sure": lambda _: (WHOLE, 0.9),
    "sure by chance": lambda phrase: (WHOLE, 0.4 + 0.5 * share_of(phrase, "score")),
    "anywhere, sure by chance": lambda phrase: (random_place(phrase), 0.4 + 0.5 * share_of(phrase, "score")),
    "anywhere, always sure": lambda phrase: (random_place(phrase), 1.0),
    "never sure": lambda phrase: (WHOLE, 0.25 * share_of(phrase, "score")),
}


@pytest.mark.parametrize("habit", HABITS)
def test_a_detector_that_always_answers_is_caught_on_at_least_95_of_100_absent_phrases(habit: str) -> None:
    detector = AlwaysDetector(HABITS[habit])
    found = [located(detector, picture(), [phrase], Unlimited())[0] for phrase in ABSENT]
    assert sum(not one for one in found) >= 0.95 * len(ABSENT)


def test_without_negative_phrases_the_same_detector_would_be_believed_every_time() -> None:
    detections = [Detection(phrase=0, box=WHOLE, score=0.9)]
    assert winning(detections, 1, DECISION)[0]


def test_a_detector_that_knows_what_it_sees_is_believed_on_every_phrase_that_is_there() -> None:
    seen = picture(red=(5, 5, 25, 25), blue=(40, 30, 70, 50))
    phrases = [f"the {word} {colour} thing" for colour in ("red", "blue") for word in ("left", "big", "other", "odd")]
    found = located(BlobDetector(), seen, phrases, Unlimited())
    assert [len(one) for one in found] == [1] * 8
    assert found[0][0].box == Box(x=5, y=5, width=20, height=20)
    assert located(BlobDetector(), seen, ["the green thing"], Unlimited()) == [[]]


def test_one_negative_thing_that_really_is_there_does_not_hide_what_stands_elsewhere() -> None:
    pumpkin, dog = Box(x=50, y=0, width=20, height=20), Box(x=0, y=0, width=20, height=20)
    detections = [
        Detection(phrase=0, box=dog, score=0.5),
        Detection(phrase=1, box=pumpkin, score=0.95),
        Detection(phrase=2, box=pumpkin, score=0.2),
    ]
    assert [one.box for one in winning(detections, 1, DECISION)[0]] == [dog]


def test_what_a_negative_phrase_fits_better_is_not_there() -> None:
    detections = [Detection(phrase=0, box=WHOLE, score=0.5), Detection(phrase=1, box=WHOLE, score=0.46)]
    assert winning(detections, 1, DECISION) == [[]]
    assert winning(detections, 1, Decision(threshold=0.3, margin=0.03))[0]


def test_finds_below_the_threshold_of_the_model_do_not_count() -> None:
    detections = [Detection(phrase=0, box=WHOLE, score=0.29)]
    assert winning(detections, 1, DECISION) == [[]]


def test_two_boxes_around_one_thing_are_one_find_and_the_better_one_stays() -> None:
    near, far = Box(x=1, y=1, width=80, height=60), Box(x=200, y=0, width=80, height=60)
    detections = [Detection(phrase=0, box=box, score=score) for box, score in ((near, 0.6), (WHOLE, 0.7), (far, 0.5))]
    assert [one.box for one in winning(detections, 1, DECISION)[0]] == [WHOLE, far]


@pytest.mark.parametrize("phrase", ["a walrus on the ice", "Walruses", "two igloos"])
def test_a_thing_that_is_asked_for_is_not_put_against_itself(phrase: str) -> None:
    assert len(negatives([phrase])) == len(NEGATIVES) - 1


def test_many_phrases_take_as_few_passes_as_they_fit_into_and_keep_their_order() -> None:
    detector = BlobDetector(most=len(NEGATIVES) + 3)
    phrases = ["red", "green", "red", "blue", "yellow"]
    found = located(detector, picture(blue=(40, 30, 70, 50)), phrases, Unlimited())
    assert [len(one) for one in found] == [0, 0, 0, 1, 0]
    assert detector.phrases == ["red", "green", "blue", "yellow"]


def test_a_phrase_that_fits_into_no_pass_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="too long"):
        located(BlobDetector(most=3), picture(), ["red"], Unlimited())
