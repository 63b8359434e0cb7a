"""An image segmenter of two models, on shapes whose every pixel is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from reamo_mcp.errors import OutOfMemory
from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.media.decoded import Picture
from reamo_mcp.media.run_lengths import Pixels, decoded
from reamo_mcp.models.phrase_detection import NEGATIVES, Detection
from reamo_mcp.models.phrase_segmenter import PhraseSegmenter
from reamo_mcp.models.roles import Answer, Failed, Found, Region, Unsupported
from reamo_mcp.types.grounding import Box
from tests.doubles.signal_modules import COLOURS, AlwaysDetector, BlobDetector, BlobOutliner, blob_segmenter


def picture() -> Picture:
    """A red disc and a blue rectangle, at half the size of the original."""
    pixels = numpy.full((60, 80, 3), 255, numpy.uint8)
    rows, columns = numpy.mgrid[:60, :80]
    pixels[(rows - 20) ** 2 + (columns - 20) ** 2 < 200] = COLOURS["red"]
    pixels[30:50, 40:70] = COLOURS["blue"]
    return Picture(pixels, 0.5, 160, 120)


def regions(answer: Answer[Region]) -> tuple[Region, ...]:
    assert isinstance(answer, Found)
    return answer.items


def test_every_phrase_gets_its_regions_in_order_with_outlines_at_the_size_of_the_original() -> None:
    answers = blob_segmenter().segment(picture(), ["the blue thing", "a yellow thing", "the red disc"], Unlimited())
    blue, yellow, red = (regions(answer) for answer in answers)
    assert yellow == ()
    assert blue[0].box == Box(x=80, y=60, width=60, height=40)
    assert red[0].mask is not None
    assert red[0].mask.size == (120, 160)
    outline = decoded(red[0].mask)
    true = numpy.repeat(numpy.repeat((picture().pixels == COLOURS["red"]).all(axis=2), 2, axis=0), 2, axis=1)
    assert (outline == true).all()


def test_no_phrases_are_no_work() -> None:
    assert blob_segmenter().segment(picture(), [], Unlimited()) == []


@dataclass
class Overlapping(BlobDetector):
    """Sees the disc in two boxes that are not one place."""

    def detect(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Detection]:
        loose, tight = Box(x=0, y=0, width=80, height=80), Box(x=14, y=14, width=54, height=54)
        return [Detection(phrase=0, box=loose, score=0.8), Detection(phrase=0, box=tight, score=0.7)]


def test_finds_that_outline_the_same_thing_are_one_region() -> None:
    segmenter = PhraseSegmenter(Overlapping(), BlobOutliner())
    found = regions(segmenter.segment(picture(), ["the red disc"], Unlimited())[0])
    assert [region.score for region in found] == [0.8]


@dataclass
class Astray(BlobOutliner):
    """Outlines the corner of the picture, whatever the box."""

    def outline(self, picture: Picture, boxes: Sequence[Box], control: Control) -> list[Pixels]:
        pixels = numpy.zeros((60, 80), numpy.bool_)
        pixels[:3, :3] = True
        return [pixels for _ in boxes]


def test_an_outline_that_is_not_of_the_box_is_not_taken() -> None:
    found = regions(PhraseSegmenter(BlobDetector(), Astray()).segment(picture(), ["the blue thing"], Unlimited())[0])
    assert [(region.box.x, region.mask) for region in found] == [(80, None)]


def test_a_segmenter_whose_detector_always_answers_finds_nothing() -> None:
    always = AlwaysDetector(lambda _: (Box(x=0, y=0, width=160, height=120), 0.9))
    answers = PhraseSegmenter(always, BlobOutliner()).segment(picture(), ["a dog", "a red disc"], Unlimited())
    assert answers == [Found(()), Found(())]


def test_phrases_that_together_take_too_much_memory_are_asked_for_one_by_one() -> None:
    def full(boxes: Sequence[Box]) -> None:
        if len(boxes) > 1:
            raise OutOfMemory("no room for two")

    segmenter = PhraseSegmenter(BlobDetector(), BlobOutliner(full))
    answers = segmenter.segment(picture(), ["the blue thing", "the red disc"], Unlimited())
    assert [len(regions(answer)) for answer in answers] == [1, 1]


def test_a_phrase_that_alone_takes_too_much_memory_fails_alone() -> None:
    def full(boxes: Sequence[Box]) -> None:
        if any(box.x < 50 for box in boxes):
            raise OutOfMemory("no room for the disc")

    segmenter = PhraseSegmenter(BlobDetector(), BlobOutliner(full))
    blue, red = segmenter.segment(picture(), ["the blue thing", "the red disc"], Unlimited())
    assert len(regions(blue)) == 1
    assert red == Failed(OutOfMemory.code, "no room for the disc")


@dataclass
class Short(BlobDetector):
    """Takes short phrases alone."""

    def fits(self, phrases: Sequence[str]) -> bool:
        return all(len(phrase) < 20 for phrase in phrases) and len(phrases) < len(NEGATIVES) + 8


def test_a_phrase_that_is_too_long_for_the_detector_is_unsupported_and_sinks_no_other() -> None:
    answers = PhraseSegmenter(Short(), BlobOutliner()).segment(picture(), ["red", "red " * 9], Unlimited())
    assert len(regions(answers[0])) == 1
    assert isinstance(answers[1], Unsupported)


def test_the_card_names_both_models() -> None:
    assert blob_segmenter().card.name == "blobs + blobs"
