"""The engine that a child of the tests runs: it kills its own process over a picture of one pixel's width."""

import os
import re
import signal
from collections.abc import Iterator, Sequence

from reamo_mcp.isolation.control import Control
from reamo_mcp.isolation.handling import Handlers
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.host import handlers_over
from reamo_mcp.models.roles import (
    Answer,
    EntityMention,
    Failed,
    Found,
    HeardWord,
    Line,
    Mentions,
    ModelCard,
    Region,
    SpeechTranscript,
    Unsupported,
)
from reamo_mcp.types.grounding import Box, TimeSpan
from reamo_mcp.types.ontology import Ontology
from tests.doubles.confirmers import ScriptedConfirmer, knows_colours
from tests.doubles.signal_modules import ToneSegmenter, blob_segmenter, blob_tracker


class DeadlyReader:
    card = ModelCard(role="text_reader", name="deadly", revision="1")

    def read(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Line]]:
        answers: list[Answer[Line]] = []
        for picture in pictures:
            control.check()
            height, width = picture.pixels.shape[:2]
            if width == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            box = Box(x=0, y=0, width=width / picture.scale, height=height / picture.scale)
            answers.append(Found((Line(text=f"{width}x{height}", box=box, words=(), confidence=1.0),)))
        return answers


class ShapeDetector:
    card = ModelCard(role="object_detector", name="shape", revision="1", vocabulary=("face",))

    def detect(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Region]]:
        control.check()
        return [Unsupported(f"mean {picture.pixels.mean():.0f}") for picture in pictures]


class FirstWordExtractor:
    card = ModelCard(role="text_extractor", name="first word", revision="1")

    def extract(self, texts: Sequence[str], ontology: Ontology, control: Control) -> list[Answer[Mentions]]:
        control.check()
        while "loop" in texts:
            control.check()
        return [self._answer(text, ontology) for text in texts]

    def _answer(self, text: str, ontology: Ontology) -> Answer[Mentions]:
        word = re.search(r"\S+", text)
        if word is None or not ontology.entity_types:
            return Found((Mentions(),))
        kind = ontology.entity_types[0].name
        return Found((Mentions(entities=(EntityMention(type=kind, start=word.start(), end=word.end(), score=0.5),)),))


class LengthTranscriber:
    card = ModelCard(role="transcriber", name="length", revision="1")

    def transcribe(self, sounds: Iterator[Sound], control: Control) -> Iterator[SpeechTranscript]:
        for sound in sounds:
            span = TimeSpan(start=sound.start, end=sound.start + len(sound.samples) / 16_000)
            yield SpeechTranscript(speech=(span,), words=())

    def align(self, sound: Sound, text: str, control: Control) -> Answer[HeardWord]:
        return Found((HeardWord(text=text, start=sound.start, end=sound.start + 1, confidence=1, confident=True),))


class FirstNameSpotter:
    card = ModelCard(role="name_spotter", name="first name", revision="1")

    def spot(self, sound: Sound, names: Sequence[str], control: Control) -> Answer[HeardWord]:
        control.check()
        if not names:
            return Found(())
        return Found((HeardWord(text=names[0], start=sound.start, end=sound.start + 1, confidence=1, confident=True),))


def _colours_unless_deadly(crop: Picture, phrase: str) -> float | Failed | Unsupported:
    if phrase == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return Unsupported("too plain") if phrase == "plain" else knows_colours(crop, phrase)


def serve() -> Handlers:
    return handlers_over(engine())


def engine() -> Engine:
    return Engine(
        profile="test",
        text_extractor=FirstWordExtractor(),
        text_reader=DeadlyReader(),
        transcriber=LengthTranscriber(),
        name_spotter=FirstNameSpotter(),
        detectors=(ShapeDetector(),),
        image_segmenter=blob_segmenter(),
        video_tracker=blob_tracker(),
        audio_segmenter=ToneSegmenter(),
        confirmer=ScriptedConfirmer(_colours_unless_deadly),
    )
