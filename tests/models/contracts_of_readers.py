"""What every reader, detector, extractor, spotter and reasoner must do, whatever is inside.

As in `tests.models.contracts`: the same questions for doubles, for models, and for what wraps them.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

import numpy
import pytest
from PIL import Image, ImageDraw, ImageFont

from reamo_mcp.errors import Cancelled, of_code
from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.media.decoded import SAMPLE_RATE, Picture
from reamo_mcp.models.asks import PicturePassage, Sound, SoundPassage, TextPassage, VideoPassage
from reamo_mcp.models.roles import (
    Answer,
    Failed,
    Found,
    Line,
    Mentions,
    ModelCard,
    NameSpotter,
    ObjectDetector,
    Reasoner,
    TextExtractor,
    TextReader,
)
from reamo_mcp.types.grounding import Box
from reamo_mcp.types.ontology import EntityType, EventType, Ontology, RelationType, Role
from tests.doubles.media_asks import MEDIA, ask_about, ask_of, tone
from tests.doubles.stopping import StopsAfter

ONTOLOGY = Ontology(
    entity_types=(EntityType(name="person"), EntityType(name="location")),
    relation_types=(RelationType(name="lives in"),),
    event_types=(EventType(name="meeting", roles=(Role(name="Participant"),)),),
)
T = TypeVar("T")
TEXT = "Ada Lovelace met Charles Babbage in London."
_ODD_TEXTS = ("", " \n\t", "\x00\x07", "Ü😀🏽 \u202egnitirw 北京", "x" * 2000, "?" * 500)


def check_text_extractor(extractor: TextExtractor) -> None:
    check_card(extractor.card, "text_extractor")
    assert extractor.extract([], ONTOLOGY, Unlimited()) == []
    texts = [TEXT, *_ODD_TEXTS, TEXT]
    answers = extractor.extract(texts, ONTOLOGY, Unlimited())
    assert len(answers) == len(texts)
    assert extractor.extract(texts, ONTOLOGY, Unlimited()) == answers, "the same question, another answer"
    assert answers[0] == answers[-1]
    assert names_in(answers[0], TEXT), "odd texts cost a good one its names"
    assert names_in(answers[0], TEXT) == names_in(extractor.extract([TEXT], ONTOLOGY, Unlimited())[0], TEXT)
    for text, answer in zip(texts, answers, strict=True):
        for mentions in items_of(answer):
            check_mentions(mentions, text)
    nothing = extractor.extract([TEXT], Ontology(), Unlimited())
    assert [items_of(answer) for answer in nothing] in ([()], [(Mentions(),)]), "nothing was asked for"
    with pytest.raises(Cancelled):
        extractor.extract([TEXT], ONTOLOGY, StopsAfter(0))


def names_in(answer: Answer[Mentions], text: str) -> list[str]:
    return [text[one.start : one.end] for mentions in items_of(answer) for one in mentions.entities]


def check_mentions(mentions: Mentions, text: str) -> None:
    """Spans lie in the text and have something in them; types and roles are asked for; numbers name what is there."""
    types = {kind.name for kind in ONTOLOGY.entity_types}
    spans = [(one.start, one.end, one.score) for one in (*mentions.entities, *mentions.events)]
    spans += [(part.start, part.end, part.score) for event in mentions.events for part in event.arguments]
    for start, end, score in spans:
        assert 0 <= start < end <= len(text)
        assert text[start:end].strip()
        assert 0 <= score <= 1
    assert {one.type for one in mentions.entities} <= types
    count = len(mentions.entities)
    for relation in mentions.relations:
        assert relation.type == "lives in"
        assert relation.head in range(count)
        assert relation.tail in range(count)
        assert relation.head != relation.tail
    for event in mentions.events:
        assert event.type == "meeting"
        assert all(part.entity is None or part.entity in range(count) for part in event.arguments)


def printed(text: str = "Nancy Ajram", width: int = 420, scale: float = 0.5) -> Picture:
    """Return a picture with print, at a scale, whose pixels cannot be written to."""
    image = Image.new("RGB", (width, 90), "white")
    ImageDraw.Draw(image).text((20, 20), text, fill="black", font=ImageFont.load_default(40))
    return locked(Picture(numpy.asarray(image), scale, width / scale, 90 / scale))


def locked(picture: Picture) -> Picture:
    pixels = picture.pixels.copy()
    pixels.flags.writeable = False
    return replace(picture, pixels=pixels)


def odd_pictures() -> list[Picture]:
    """Return pictures of one pixel, of one row and of one column, and one of noise."""
    noise = numpy.random.default_rng(3).integers(0, 255, (40, 60, 3), numpy.uint8)
    flat = [numpy.full((high, wide, 3), 90, numpy.uint8) for high, wide in ((1, 1), (1, 700), (700, 1))]
    return [locked(Picture(pixels, 1.0, float(pixels.shape[1]), float(pixels.shape[0]))) for pixels in (*flat, noise)]


def check_text_reader(reader: TextReader) -> None:
    check_card(reader.card, "text_reader")
    for picture, answer in _pictures_answered(reader.read):
        for line in items_of(answer):
            check_line(line, picture)


def check_line(line: Line, picture: Picture) -> None:
    assert line.text
    assert 0 <= line.confidence <= 1
    assert_inside(line.box, picture)
    assert all(0 <= word.start < word.end <= len(line.text) for word in line.words)
    assert all(one.end <= other.start for one, other in pairwise(line.words))
    for word in line.words:
        assert_inside(word.box, picture)


def check_object_detector(detector: ObjectDetector) -> None:
    check_card(detector.card, "object_detector")
    vocabulary = detector.card.vocabulary
    assert vocabulary
    for picture, answer in _pictures_answered(detector.detect):
        for region in items_of(answer):
            assert region.type in vocabulary
            assert 0 <= region.score <= 1
            assert_inside(region.box, picture)


def _pictures_answered(
    look: Callable[[Sequence[Picture], Control], list[Answer[T]]],
) -> list[tuple[Picture, Answer[T]]]:
    """Ask about good and odd pictures; return each with its answer, once what holds for all readers is checked."""
    assert look([], Unlimited()) == []
    good = printed()
    pictures = [good, *odd_pictures(), good]
    before = [picture.pixels.copy() for picture in pictures]
    answers = look(pictures, Unlimited())
    assert len(answers) == len(pictures)
    assert look(pictures, Unlimited()) == answers, "the same question, another answer"
    assert isinstance(answers[0], Found), "odd pictures cost a good one its answer"
    assert answers[0] == answers[-1] == look([good], Unlimited())[0]
    assert look([printed("Beirut"), good], Unlimited())[1] == answers[0], "the order is not kept"
    assert all((picture.pixels == own).all() for picture, own in zip(pictures, before, strict=True))
    with pytest.raises(Cancelled):
        look([printed("never shown before")], StopsAfter(0))
    return list(zip(pictures, answers, strict=True))


def check_name_spotter(spotter: NameSpotter, sound: Sound, said: Sequence[str]) -> None:
    """``said`` are names of which some may be heard in the sound."""
    check_card(spotter.card, "name_spotter")
    sound.samples.flags.writeable = False
    end = sound.start + len(sound.samples) / SAMPLE_RATE
    answer = spotter.spot(sound, said, Unlimited())
    words = items_of(answer)
    again = items_of(spotter.spot(sound, said, Unlimited()))
    assert [(word.text, word.start, word.end) for word in again] == [
        (word.text, word.start, word.end) for word in words
    ]
    # The embedded recogniser adapts a little to the loudness of what it heard before.
    assert [word.confidence for word in again] == pytest.approx([word.confidence for word in words], abs=0.01)
    assert {word.text for word in words} <= set(said)
    assert all(sound.start - 0.1 <= word.start <= word.end <= end + 0.1 for word in words)
    assert [word.start for word in words] == sorted(word.start for word in words)
    assert items_of(spotter.spot(sound, [], Unlimited())) == ()
    short = Sound(numpy.zeros(16, numpy.float32), 7.0)
    assert all(7.0 <= word.start for word in items_of(spotter.spot(short, said, Unlimited())))
    with pytest.raises(Cancelled):
        spotter.spot(sound, said, StopsAfter(0))


def check_reasoner(reasoner: Reasoner, budget: int = 20) -> None:
    check_card(reasoner.card, "reasoner")
    capacity = reasoner.capacity
    assert min(capacity.characters, capacity.pictures, capacity.frames, capacity.seconds, capacity.together) >= 1
    assert reasoner.reason([], budget, Unlimited()) == []
    dot = PicturePassage("m2", Picture(numpy.zeros((1, 1, 3), numpy.uint8), 1.0, 1, 1))
    click = SoundPassage("m3", Sound(numpy.zeros(1, numpy.float32), 0.0))
    flash = VideoPassage("m4", (0.0,), (dot.picture,), 1.0, None)
    odd = [ask_of(one) for one in (TextPassage("m1.text", "text", ""), dot, click, flash)]
    good = ask_about(MEDIA)
    for passage in good.passages:
        if isinstance(passage, PicturePassage):
            passage.picture.pixels.flags.writeable = False
        if isinstance(passage, SoundPassage):
            passage.sound.samples.flags.writeable = False
    asks = [good, *odd, ask_about(("text",)), good]
    answers = reasoner.reason(asks, budget, Unlimited())
    assert len(answers) == len(asks)
    assert isinstance(answers[0], Found), "odd asks cost a good one its answer"
    assert answers[0] == answers[-1] == reasoner.reason([good], budget, Unlimited())[0]
    for answer in answers:
        items = items_of(answer)
        assert len(items) == isinstance(answer, Found)
        assert all(reasoned.dropped >= 0 for reasoned in items)
    loud = ask_of(SoundPassage("m3", tone(300.0)))
    with pytest.raises(Cancelled):
        reasoner.reason([loud], budget, StopsAfter(0))
    assert isinstance(reasoner.reason([good], budget, Unlimited())[0], Found), "it is fit for no further call"


def check_card(card: ModelCard, role: str) -> None:
    assert card.role == role
    assert card.name
    assert card.revision


def items_of(answer: Answer[T]) -> tuple[T, ...]:
    """Return what was found; a failure has a code that can be told, and a message."""
    match answer:
        case Found(items):
            return items
        case Failed(code, message):
            assert of_code(code, message, "") is not None
            assert message
            return ()
        case _:
            assert answer.reason
            return ()


def assert_inside(box: Box, picture: Picture) -> None:
    assert box.x >= -1e-6
    assert box.y >= -1e-6
    assert box.right <= picture.original_width + 1e-6
    assert box.bottom <= picture.original_height + 1e-6
