import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

from reamo_mcp.errors import Cancelled, EngineFailed, ReamoError
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.isolation.program import Bounds, Program
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.host import EngineChild, engine_program, hosted
from reamo_mcp.models.profiles import plain_engine
from reamo_mcp.models.roles import Answer, Failed, Found, Line, Unsupported
from reamo_mcp.settings import Settings
from reamo_mcp.types.ontology import Ontology
from tests.models.engine_for_tests import engine

TARGET = Program(target="tests.models.engine_for_tests:serve")
ONTOLOGY = Ontology.of(entity_types=["person"])


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineChild]:
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parent.parent.parent)])
    child = EngineChild(TARGET)
    yield child
    child.close()


@pytest.fixture
def far(child: EngineChild) -> Engine:
    return hosted(engine(), child)


def picture(width: int, height: int = 4, value: int = 7) -> Picture:
    pixels = numpy.full((height, width, 3), value, numpy.uint8)
    return Picture(pixels, 0.5, width * 2, height * 2)


def said(answer: Answer[Line]) -> str:
    match answer:
        case Found(items):
            return " ".join(line.text for line in items)
        case Failed(code, _):
            return code
        case Unsupported(reason):
            return reason


def test_cards_are_known_without_starting_a_child(far: Engine, child: EngineChild) -> None:
    modules = ["blobs + blobs", "blobs + blobs", "tones", "scripted confirmer"]
    assert [card.name for card in far.cards()] == ["first word", "deadly", "length", "first name", "shape", *modules]
    assert child.process_id is None


def test_every_role_answers_across_the_border_as_it_does_here(far: Engine, unlimited: Unlimited) -> None:
    near = engine()
    assert far.text_extractor is not None
    assert near.text_extractor is not None
    assert far.text_reader is not None
    assert near.text_reader is not None
    assert far.transcriber is not None
    assert near.transcriber is not None
    texts = ["Ada met Lin", "Ünïcode 😀 names"]
    assert far.text_extractor.extract(texts, ONTOLOGY, unlimited) == near.text_extractor.extract(
        texts, ONTOLOGY, unlimited
    )
    pictures = [picture(3), picture(5, value=200)]
    assert far.text_reader.read(pictures, unlimited) == near.text_reader.read(pictures, unlimited)
    assert far.detectors[0].detect(pictures, unlimited) == [Unsupported("mean 7"), Unsupported("mean 200")]
    sounds = [Sound(numpy.zeros(16_000 * seconds, numpy.float32), start=seconds) for seconds in (1, 2)]
    assert list(far.transcriber.transcribe(iter(sounds), unlimited)) == list(
        near.transcriber.transcribe(iter(sounds), unlimited)
    )
    assert far.transcriber.align(sounds[0], "ada", unlimited) == near.transcriber.align(sounds[0], "ada", unlimited)
    assert far.name_spotter is not None
    assert near.name_spotter is not None
    names = ("Ada", "Lin")
    assert far.name_spotter.spot(sounds[1], names, unlimited) == near.name_spotter.spot(sounds[1], names, unlimited)


def test_a_picture_that_kills_the_child_fails_alone(far: Engine, unlimited: Unlimited) -> None:
    assert far.text_reader
    answers = far.text_reader.read([picture(3), picture(1), picture(5)], unlimited)
    assert [said(answer) for answer in answers] == ["3x4", "engine_failed", "5x4"]


def test_a_child_that_was_killed_between_calls_is_started_anew(
    far: Engine, child: EngineChild, unlimited: Unlimited
) -> None:
    assert far.text_reader
    far.text_reader.read([picture(3)], unlimited)
    first = child.process_id
    assert first is not None
    os.kill(first, 9)
    assert said(far.text_reader.read([picture(6)], unlimited)[0]) == "6x4"
    assert child.process_id != first


def questions(engine: Engine) -> list[Callable[[], list[Any]]]:
    """Return a question to each of some roles."""
    extractor, reader, transcriber = engine.text_extractor, engine.text_reader, engine.transcriber
    segmenter, listener = engine.image_segmenter, engine.audio_segmenter
    assert extractor
    assert reader
    assert transcriber
    assert segmenter
    assert listener
    sound = Sound(numpy.zeros(16_000, numpy.float32), start=3.0)
    return [
        lambda: extractor.extract(["Ada met Lin"], ONTOLOGY, Unlimited()),
        lambda: reader.read([picture(3), picture(5)], Unlimited()),
        lambda: list(transcriber.transcribe(iter([sound]), Unlimited())),
        lambda: segmenter.segment(picture(9), ["red"], Unlimited()),
        lambda: listener.segment(sound, ["a low tone"], Unlimited()),
    ]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("number", range(5))
def test_a_child_that_dies_or_stands_still_costs_at_most_the_question_that_it_was_asked(
    end: signal.Signals, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parent.parent.parent)])
    child = EngineChild(Program(target="tests.models.engine_for_tests:serve", bounds=Bounds(silence=0.5)))
    try:
        far = hosted(engine(), child)
        whole = [ask() for ask in questions(far)]
        assert child.process_id is not None
        os.kill(child.process_id, end)
        try:
            answers = questions(far)[number]()
        except EngineFailed:
            answers = [Failed(EngineFailed.code, "of all")]
        failed = [answer.code for answer in answers if isinstance(answer, Failed)]
        assert answers == whole[number] or failed == [EngineFailed.code]
        assert [ask() for ask in questions(far)] == whole
    finally:
        child.close()


def test_more_pictures_than_fit_one_message_are_read_in_order(far: Engine, unlimited: Unlimited) -> None:
    assert far.text_reader
    answers = far.text_reader.read([picture(width) for width in range(2, 42)], unlimited)
    assert [said(answer) for answer in answers] == [f"{width}x4" for width in range(2, 42)]


def test_cancellation_stops_a_model_at_work_within_a_second(far: Engine) -> None:
    assert far.text_extractor

    class Impatient:
        def __init__(self) -> None:
            self.until = time.monotonic() + 0.3

        def check(self) -> None:
            if time.monotonic() > self.until:
                raise Cancelled("enough")

        def progress(self, done: float, total: float, unit: str) -> None:
            return None

    began = time.monotonic()
    with pytest.raises(Cancelled):
        far.text_extractor.extract(["loop"], ONTOLOGY, Impatient())
    assert time.monotonic() - began < 0.3 + 1.0 + 3.0  # the child has to start first


def test_an_unknown_program_is_an_error_of_the_engine(unlimited: Unlimited) -> None:
    child = EngineChild(Program(target="reamo_mcp.models.nowhere:serve"))
    reader = hosted(engine(), child).text_reader
    assert reader
    with pytest.raises(ReamoError, match="could not be started"):
        reader.read([picture(3)], unlimited)
    child.close()


def test_the_embedded_engine_reads_print_in_its_child(unlimited: Unlimited) -> None:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (420, 90), "white")
    ImageDraw.Draw(image).text((20, 20), "Nancy Ajram", fill="black", font=ImageFont.load_default(40))
    settings = Settings()
    child = EngineChild(engine_program(settings))
    try:
        reader = hosted(plain_engine(settings), child).text_reader
        assert reader
        answers = reader.read([Picture(numpy.asarray(image), 1.0, 420, 90)], unlimited)
    finally:
        child.close()
    assert said(answers[0]) == "Nancy Ajram"
