from collections.abc import Sequence
from pathlib import Path

import numpy
import pytest

from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.remembered import RememberedDetector, RememberedImageSegmenter, RememberedTextReader
from reamo_mcp.models.roles import Answer, Failed, Found, Line, ModelCard, Region
from reamo_mcp.store.files import BlobFolder
from reamo_mcp.types.grounding import Box

BOX = Box(x=0, y=0, width=1, height=1)


def picture(shade: int) -> Picture:
    return Picture(numpy.full((4, 4, 3), shade, numpy.uint8), 1.0, 4, 4)


class CountingReader:
    """Says the shade of a picture; fails on black ones."""

    card = ModelCard(role="text_reader", name="counting", revision="1")

    def __init__(self) -> None:
        self.seen = 0

    def read(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Line]]:
        self.seen += len(pictures)
        return [self._line(picture) for picture in pictures]

    def _line(self, picture: Picture) -> Answer[Line]:
        shade = int(picture.pixels[0, 0, 0])
        if shade == 0:
            return Failed("engine_failed", "black")
        return Found((Line(text=str(shade), box=BOX, words=(), confidence=1),))


class CountingDetector:
    """Finds one thing in every picture."""

    card = ModelCard(role="detector", name="counting", revision="1")

    def __init__(self) -> None:
        self.seen = 0

    def detect(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Region]]:
        self.seen += len(pictures)
        return [Found((Region(type="face", box=BOX, score=0.5),)) for _ in pictures]


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path, 1_000_000)


def test_the_same_pixels_are_read_once_even_by_another_process(blobs: BlobFolder) -> None:
    first, second = CountingReader(), CountingReader()
    pictures = [picture(10), picture(20), picture(10)]
    answers = RememberedTextReader(first, blobs).read(pictures[:2], Unlimited())
    again = RememberedTextReader(second, blobs).read(pictures, Unlimited())
    assert again == [answers[0], answers[1], answers[0]]
    assert (first.seen, second.seen) == (2, 0)


def test_only_unknown_pictures_are_asked_for_and_the_order_holds(blobs: BlobFolder) -> None:
    reader = CountingReader()
    remembered = RememberedTextReader(reader, blobs)
    remembered.read([picture(2)], Unlimited())
    answers = remembered.read([picture(shade) for shade in (1, 2, 3)], Unlimited())
    assert [answer.items[0].text for answer in answers if isinstance(answer, Found)] == ["1", "2", "3"]
    assert reader.seen == 3


def test_a_failure_is_not_remembered(blobs: BlobFolder) -> None:
    reader = CountingReader()
    remembered = RememberedTextReader(reader, blobs)
    assert remembered.read([picture(0)], Unlimited()) == [Failed("engine_failed", "black")]
    remembered.read([picture(0)], Unlimited())
    assert reader.seen == 2


def test_a_picture_read_at_another_scale_is_another_picture(blobs: BlobFolder) -> None:
    reader = CountingReader()
    remembered = RememberedTextReader(reader, blobs)
    remembered.read([picture(5)], Unlimited())
    remembered.read([Picture(picture(5).pixels, 0.5, 8, 8)], Unlimited())
    assert reader.seen == 2


def test_a_detector_finds_again_what_it_has_seen(blobs: BlobFolder) -> None:
    detector = CountingDetector()
    remembered = RememberedDetector(detector, blobs)
    assert remembered.detect([picture(1)], Unlimited()) == remembered.detect([picture(1)], Unlimited())
    assert detector.seen == 1


class CountingSegmenter:
    """Sees one thing for every phrase; fails on "bad"."""

    card = ModelCard(role="image_segmenter", name="counting", revision="1")

    def __init__(self) -> None:
        self.asked = 0

    def segment(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Answer[Region]]:
        self.asked += 1
        return [
            Failed("engine_failed", "bad") if phrase == "bad" else Found((Region(type=phrase, box=BOX, score=0.5),))
            for phrase in phrases
        ]


def test_the_same_question_about_the_same_pixels_is_put_to_the_segmenter_once(blobs: BlobFolder) -> None:
    segmenter = CountingSegmenter()
    remembered = RememberedImageSegmenter(segmenter, blobs)
    first = remembered.segment(picture(10), ["a dog", "a cat"], Unlimited())
    assert RememberedImageSegmenter(segmenter, blobs).segment(picture(10), ["a dog", "a cat"], Unlimited()) == first
    assert segmenter.asked == 1
    remembered.segment(picture(10), ["a cat", "a dog"], Unlimited())
    remembered.segment(picture(20), ["a dog", "a cat"], Unlimited())
    assert segmenter.asked == 3


def test_a_question_that_failed_in_part_is_put_again(blobs: BlobFolder) -> None:
    segmenter = CountingSegmenter()
    remembered = RememberedImageSegmenter(segmenter, blobs)
    for _ in range(2):
        answers = remembered.segment(picture(10), ["a dog", "bad"], Unlimited())
        assert answers[1] == Failed("engine_failed", "bad")
    assert segmenter.asked == 2
