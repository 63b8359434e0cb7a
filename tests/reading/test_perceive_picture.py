from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy
import pytest

from reamo_mcp.errors import CorruptMedia
from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.media.decoded import Description, OpenFile, Picture
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.models.roles import Answer, Failed, Found, Line, ModelCard, ReadWord, Region
from reamo_mcp.reading.perceive_picture import longest_side, perceive_picture
from reamo_mcp.reading.perception import Given, Perception, Senses
from reamo_mcp.types.grounding import Box
from reamo_mcp.types.reading import AtRegion, Fact

FILE = OpenFile(name="poster.png", fd=-1, size=1, sha256="0" * 64, kind="image", format="png")
TWO_LINES = (
    Line(
        text="Nancy Ajram",
        box=Box(x=10, y=20, width=220, height=40),
        words=(
            ReadWord(start=0, end=5, box=Box(x=10, y=20, width=100, height=40)),
            ReadWord(start=6, end=11, box=Box(x=130, y=20, width=100, height=40)),
        ),
        confidence=0.99,
    ),
    Line(
        text="l1ve",
        box=Box(x=10, y=80, width=90, height=40),
        words=(ReadWord(start=0, end=4, box=Box(x=10, y=80, width=90, height=40)),),
        confidence=0.55,
    ),
)


@dataclass(frozen=True)
class ScriptedPictureDecoder:
    """Gives one white picture, or the error it was given."""

    width: int = 400
    height: int = 300
    error: Exception | None = None

    def picture(self, file: OpenFile, longest_side: int, control: Control) -> Picture:
        if self.error:
            raise self.error
        scale = min(1.0, longest_side / max(self.width, self.height))
        pixels = numpy.full((max(1, round(self.height * scale)), max(1, round(self.width * scale)), 3), 255)
        return Picture(pixels.astype(numpy.uint8), scale, self.width, self.height)


@dataclass(frozen=True)
class ScriptedReader:
    answer: Answer[Line]

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="text_reader", name="scripted", revision="1")

    def read(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Line]]:
        return [self.answer for _ in pictures]


@dataclass(frozen=True)
class ScriptedDetector:
    answer: Answer[Region]
    vocabulary: tuple[str, ...] = ("face",)

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="object_detector", name="scripted", revision="1", vocabulary=self.vocabulary)

    def detect(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Region]]:
        return [self.answer for _ in pictures]


def perceived(
    reader: ScriptedReader | None,
    detectors: Sequence[ScriptedDetector] = (),
    decoder: ScriptedPictureDecoder | None = None,
    facts: tuple[Fact, ...] = (),
) -> Perception:
    decoder = decoder or ScriptedPictureDecoder()
    description = Description("image", "png", width=decoder.width, height=decoder.height, facts=facts)
    senses = Senses(decoder=cast(Decoder, decoder), text_reader=reader, detectors=detectors)
    return perceive_picture(Given(FILE, "m1"), description, senses, Unlimited())


def test_print_becomes_a_reading_whose_words_know_their_boxes() -> None:
    (reading,) = perceived(ScriptedReader(Found(TWO_LINES))).readings
    assert (reading.id, reading.kind, reading.text) == ("m1.picture_text", "picture_text", "Nancy Ajram\nl1ve")
    assert [reading.text[word.start : word.end] for word in reading.words] == ["Nancy", "Ajram", "l1ve"]
    assert reading.words[1].place == AtRegion(parts=(Box(x=130, y=20, width=100, height=40),))


def test_lines_read_with_little_confidence_do_not_look_certain() -> None:
    (reading,) = perceived(ScriptedReader(Found(TWO_LINES))).readings
    assert [word.confident for word in reading.words] == [True, True, False]


def test_a_picture_without_print_was_read_all_the_same() -> None:
    perception = perceived(ScriptedReader(Found(())))
    assert perception.readings[0].text == ""
    (covered,) = perception.coverage
    assert covered.read == covered.total == 400 * 300


def test_a_reader_that_fails_is_told_in_the_coverage() -> None:
    (covered,) = perceived(ScriptedReader(Failed("engine_failed", "The picture could not be read"))).coverage
    assert covered.read == 0
    assert covered.not_read[0].reason == "The picture could not be read"


def test_faces_are_sightings_without_a_name() -> None:
    face = Region(type="face", box=Box(x=1, y=2, width=30, height=40), score=0.97)
    perception = perceived(ScriptedReader(Found(())), [ScriptedDetector(Found((face,)))])
    sight = next(reading for reading in perception.readings if reading.kind == "sight")
    (sighting,) = sight.sightings
    assert (sighting.type, sighting.score, sighting.value) == ("face", 0.97, None)
    assert sighting.place == AtRegion(parts=(face.box,))


def test_what_a_code_says_stands_beside_its_place() -> None:
    code = Region(
        type="qr_code", box=Box(x=5, y=5, width=50, height=50), score=1, score_kind="none", value="https://a.example"
    )
    perception = perceived(None, [ScriptedDetector(Found((code,)), ("qr_code", "barcode"))])
    (sighting,) = perception.readings[0].sightings
    assert (sighting.value, sighting.place) == ("https://a.example", AtRegion(parts=(code.box,)))


def test_what_the_file_says_about_itself_is_a_reading_of_facts() -> None:
    taken = Fact(name="created", value="2021-05-04", type="date")
    (reading,) = perceived(None, facts=(taken,)).readings
    assert (reading.id, reading.kind, reading.facts) == ("m1.metadata", "metadata", (taken,))


def test_a_detector_that_fails_does_not_hide_what_the_others_saw() -> None:
    face = Region(type="face", box=Box(x=1, y=2, width=30, height=40), score=0.97)
    detectors = [ScriptedDetector(Failed("engine_failed", "broken"), ("barcode",)), ScriptedDetector(Found((face,)))]
    perception = perceived(ScriptedReader(Found(TWO_LINES)), detectors)
    assert [len(reading.sightings) for reading in perception.readings] == [0, 1]
    assert {covered.reader: covered.read for covered in perception.coverage}["barcode"] == 0


def test_what_this_engine_cannot_see_is_told() -> None:
    asked = {ask.what for ask in perceived(None).unsupported}
    assert asked == {"objects", "picture_text"}


def test_a_picture_that_cannot_be_decoded_is_an_error() -> None:
    with pytest.raises(CorruptMedia):
        perceived(None, decoder=ScriptedPictureDecoder(error=CorruptMedia("damaged", "send another")))


def test_long_screenshots_are_read_at_a_width_at_which_print_stays_readable() -> None:
    assert longest_side(4000, 3000) == 2000
    assert longest_side(640, 480) == 640
    assert longest_side(1080, 6000) > 5000
    assert longest_side(1, 40_000_000) <= 32_767
    for width, height in ((1080, 30_000), (40_000, 1000), (9000, 9000)):
        scale = longest_side(width, height) / max(width, height)
        assert width * height * scale * scale <= 16_100_000


def test_a_picture_read_much_smaller_than_it_is_gives_notice() -> None:
    perception = perceived(ScriptedReader(Found(())), decoder=ScriptedPictureDecoder(6000, 5000))
    assert [notice.code for notice in perception.notices] == ["reduced"]
