"""The roles across the process border: models run in the engine child, which opens no user file.

Each hosted role knows its card without asking the child. A child that dies over one item is started anew; that item
alone fails, the others are asked again.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from reamo_mcp.errors import EngineFailed
from reamo_mcp.isolation.control import Control
from reamo_mcp.isolation.failures import ChildFailed
from reamo_mcp.isolation.handling import Handler, Handlers, Reply, Request
from reamo_mcp.isolation.program import Bounds, Program
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.border import (
    Alive,
    EngineChild,
    Question,
    ToldAnswer,
    one_by_one,
    pictures_asked,
    pictures_of,
    present,
    reply_of,
    sound_of,
)
from reamo_mcp.models.catalogue import local_profile
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.hosted_modules import (
    HostedAudioSegmenter,
    HostedConfirmer,
    HostedImageSegmenter,
    HostedVideoTracker,
    module_handlers,
)
from reamo_mcp.models.hosted_reasoner import HostedReasoner, reasoner_handlers
from reamo_mcp.models.roles import Answer, HeardWord, Line, Mentions, ModelCard, Region, SpeechTranscript
from reamo_mcp.settings import Settings
from reamo_mcp.types.ontology import Ontology

_SILENCE = 120.0  # seconds: the longest step of a model without a word, loading included
_SILENCE_OF_LARGE_MODELS = 1200.0  # tens of gigabytes come from a slow disk
_OPEN_FILES = 1024
_OF_DEVICES = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
_MOST_PICTURES = 16  # in one message

_MENTIONS = TypeAdapter(tuple[ToldAnswer[Mentions], ...])
_LINES = TypeAdapter(tuple[ToldAnswer[Line], ...])
_REGIONS = TypeAdapter(tuple[ToldAnswer[Region], ...])
_WORDS = TypeAdapter(tuple[ToldAnswer[HeardWord], ...])
_TRANSCRIPTS = TypeAdapter(tuple[SpeechTranscript, ...])


def engine_program(settings: Settings) -> Program:
    """Return the program that runs the engine of the settings' profile."""
    threads = str(settings.threads)
    return Program(
        target="reamo_mcp.models.host:serve",
        bounds=Bounds(
            open_files=_OPEN_FILES,
            silence=_SILENCE if local_profile(settings.profile) is None else _SILENCE_OF_LARGE_MODELS,
        ),
        environment={
            **{name: os.environ[name] for name in _OF_DEVICES if name in os.environ},
            "HF_HUB_OFFLINE": "1",
            "REAMO_MODELS": str(settings.models_folder()),
            "REAMO_IDLE_SECONDS": str(settings.idle_seconds),
            "REAMO_PROFILE": settings.profile,
            "REAMO_THREADS": threads,
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "MALLOC_ARENA_MAX": "2",
        },
    )


class HostedTextExtractor:
    """A text extractor that runs in the engine child."""

    def __init__(self, child: EngineChild, card: ModelCard) -> None:
        self._child = child
        self.card = card

    def extract(self, texts: Sequence[str], ontology: Ontology, control: Control) -> list[Answer[Mentions]]:
        """Return one `Mentions` per text."""

        def ask(some: Sequence[str]) -> list[Answer[Mentions]]:
            asked = Question(texts=tuple(some), ontology=ontology)
            return self._child.answers("extract", asked, (), _MENTIONS, len(some), control)

        return one_by_one(ask, texts)


class HostedTextReader:
    """A text reader that runs in the engine child."""

    def __init__(self, child: EngineChild, card: ModelCard) -> None:
        self._child = child
        self.card = card

    def read(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Line]]:
        """Return the lines of each picture."""

        def ask(some: Sequence[Picture]) -> list[Answer[Line]]:
            asked, arrays = pictures_asked(some)
            return self._child.answers("read", asked, arrays, _LINES, len(some), control)

        return [answer for batch in _batches(pictures) for answer in one_by_one(ask, batch)]


class HostedDetector:
    """An object detector that runs in the engine child; ``number`` is its place in the engine."""

    def __init__(self, child: EngineChild, card: ModelCard, number: int) -> None:
        self._child = child
        self._number = number
        self.card = card

    def detect(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Region]]:
        """Return the regions of each picture."""

        def ask(some: Sequence[Picture]) -> list[Answer[Region]]:
            asked, arrays = pictures_asked(some, self._number)
            return self._child.answers("detect", asked, arrays, _REGIONS, len(some), control)

        return [answer for batch in _batches(pictures) for answer in one_by_one(ask, batch)]


def _batches(pictures: Sequence[Picture]) -> Iterator[Sequence[Picture]]:
    for start in range(0, len(pictures), _MOST_PICTURES):
        yield pictures[start : start + _MOST_PICTURES]


class HostedTranscriber:
    """A transcriber that runs in the engine child. Each window that it is given is heard by itself."""

    def __init__(self, child: EngineChild, card: ModelCard) -> None:
        self._child = child
        self.card = card

    def transcribe(self, sounds: Iterator[Sound], control: Control) -> Iterator[SpeechTranscript]:
        """Yield one transcript per window of sound, in order. Raises EngineFailed where the child dies of one."""
        for sound in sounds:
            asked = Question(starts=(sound.start,))
            try:
                heard = self._child.checked("transcribe", asked, (sound.samples,), _TRANSCRIPTS, control)
            except ChildFailed as failure:
                raise EngineFailed(
                    f"the engine {'could not start' if failure.cause == 'not_started' else 'died'} over speech",
                    "Try once more; see `reamo-mcp doctor`",
                ) from None
            yield from heard

    def align(self, sound: Sound, text: str, control: Control) -> Answer[HeardWord]:
        """Return the given words at the times they are spoken in this window."""

        def ask(some: Sequence[Sound]) -> list[Answer[HeardWord]]:
            asked = Question(starts=(some[0].start,), text=text)
            return self._child.answers("align", asked, (some[0].samples,), _WORDS, 1, control)

        return one_by_one(ask, [sound])[0]


class HostedNameSpotter:
    """A name spotter that runs in the engine child."""

    def __init__(self, child: EngineChild, card: ModelCard) -> None:
        self._child = child
        self.card = card

    def spot(self, sound: Sound, names: Sequence[str], control: Control) -> Answer[HeardWord]:
        """Return the names that are said in this window."""

        def ask(some: Sequence[Sound]) -> list[Answer[HeardWord]]:
            asked = Question(starts=(some[0].start,), texts=tuple(names))
            return self._child.answers("spot", asked, (some[0].samples,), _WORDS, 1, control)

        return one_by_one(ask, [sound])[0]


def hosted(engine: Engine, child: EngineChild) -> Engine:
    """Return the same engine with its roles in the child; ``close`` ends the child."""
    return replace(
        engine,
        text_extractor=engine.text_extractor and HostedTextExtractor(child, engine.text_extractor.card),
        text_reader=engine.text_reader and HostedTextReader(child, engine.text_reader.card),
        transcriber=engine.transcriber and HostedTranscriber(child, engine.transcriber.card),
        name_spotter=engine.name_spotter and HostedNameSpotter(child, engine.name_spotter.card),
        detectors=tuple(
            HostedDetector(child, detector.card, number) for number, detector in enumerate(engine.detectors)
        ),
        reasoner=engine.reasoner and HostedReasoner(child, engine.reasoner.card, engine.reasoner.capacity),
        image_segmenter=engine.image_segmenter and HostedImageSegmenter(child, engine.image_segmenter.card),
        video_tracker=engine.video_tracker and HostedVideoTracker(child, engine.video_tracker.card),
        audio_segmenter=engine.audio_segmenter and HostedAudioSegmenter(child, engine.audio_segmenter.card),
        confirmer=engine.confirmer and HostedConfirmer(child, engine.confirmer.card),
        close=child.close,
    )


def serve() -> Handlers:
    """Return the handlers of the engine child, over the profile that its environment names."""
    from reamo_mcp.models.profiles import plain_engine

    return handlers_over(plain_engine(Settings.from_environment()))


def handlers_over(engine: Engine) -> Handlers:
    """Return handlers that answer with the roles of this engine."""

    def extract(request: Request, control: Control) -> Iterator[Reply]:
        ask = Question.model_validate_json(request.body)
        role = present(engine.text_extractor)
        yield reply_of(_MENTIONS, role.extract(ask.texts, ask.ontology, Alive(control)))

    def read(request: Request, control: Control) -> Iterator[Reply]:
        role = present(engine.text_reader)
        yield reply_of(_LINES, role.read(pictures_of(request), Alive(control)))

    def detect(request: Request, control: Control) -> Iterator[Reply]:
        ask = Question.model_validate_json(request.body)
        yield reply_of(_REGIONS, engine.detectors[ask.detector].detect(pictures_of(request), Alive(control)))

    def transcribe(request: Request, control: Control) -> Iterator[Reply]:
        role = present(engine.transcriber)
        heard = tuple(role.transcribe(iter([sound_of(request)]), Alive(control)))
        yield Reply(_TRANSCRIPTS.dump_json(heard))

    def align(request: Request, control: Control) -> Iterator[Reply]:
        ask = Question.model_validate_json(request.body)
        role = present(engine.transcriber)
        yield reply_of(_WORDS, [role.align(sound_of(request), ask.text, Alive(control))])

    def spot(request: Request, control: Control) -> Iterator[Reply]:
        ask = Question.model_validate_json(request.body)
        role = present(engine.name_spotter)
        yield reply_of(_WORDS, [role.spot(sound_of(request), ask.texts, Alive(control))])

    handlers: dict[str, Handler] = {
        "extract": extract,
        "read": read,
        "detect": detect,
        "transcribe": transcribe,
        "align": align,
        "spot": spot,
        **reasoner_handlers(engine),
        **module_handlers(engine),
    }
    return handlers
