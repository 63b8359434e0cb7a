"""The reasoner across the process border: asks with pixels and samples go to the engine child, answers come back."""

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import TypeAdapter

from reamo_mcp.isolation.arrays import Array
from reamo_mcp.isolation.control import Control
from reamo_mcp.isolation.handling import Handler, Reply, Request
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.asks import (
    Ask,
    Capacity,
    KnownEntity,
    Passage,
    PicturePassage,
    Sound,
    SoundPassage,
    TextPassage,
    VideoPassage,
)
from reamo_mcp.models.border import (
    Alive,
    EngineChild,
    Measures,
    ToldAnswer,
    measures_of,
    one_by_one,
    present,
    reply_of,
    with_pixels,
)
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.meta_grammar import Form
from reamo_mcp.models.roles import Answer, ModelCard, Reasoned
from reamo_mcp.types.reading import ReadingKind
from reamo_mcp.types.record import Record

_REASONED = TypeAdapter(tuple[ToldAnswer[Reasoned], ...])


class _PassageFacts(Record):
    """A passage without its arrays, which travel beside it: those of its pictures, then that of its sound."""

    kind: Literal["text", "picture", "sound", "video"]
    source: str
    reading: ReadingKind | None = None
    text: str = ""
    pictures: tuple[Measures, ...] = ()
    times: tuple[float, ...] = ()
    step: float = 0.0
    sound_start: float | None = None


class _AskFacts(Record):
    passages: tuple[_PassageFacts, ...]
    form: Form
    known: tuple[KnownEntity, ...]


class _Asked(Record):
    asks: tuple[_AskFacts, ...]
    budget: int


class HostedReasoner:
    """A reasoner that runs in the engine child."""

    def __init__(self, child: EngineChild, card: ModelCard, capacity: Capacity) -> None:
        self._child = child
        self.card = card
        self.capacity = capacity

    def reason(self, asks: Sequence[Ask], budget: int, control: Control) -> list[Answer[Reasoned]]:
        """Return one answer per ask. Where the child dies over some, each is put by itself."""

        def ask(some: Sequence[Ask]) -> list[Answer[Reasoned]]:
            asked = _Asked(asks=tuple(_facts_of(one) for one in some), budget=budget)
            arrays = [array for one in some for passage in one.passages for array in _arrays_of(passage)]
            return self._child.answers("reason", asked, arrays, _REASONED, len(some), control)

        return one_by_one(ask, asks) if asks else []


def reasoner_handlers(engine: Engine) -> dict[str, Handler]:
    """Return the handler of the engine child for the reasoner of its engine."""

    def reason(request: Request, control: Control) -> Iterator[Reply]:
        asked = _Asked.model_validate_json(request.body)
        arrays = iter(request.arrays)
        asks = [
            Ask(tuple(_passage(facts, arrays) for facts in ask.passages), ask.form, ask.known) for ask in asked.asks
        ]
        yield reply_of(_REASONED, present(engine.reasoner).reason(asks, asked.budget, Alive(control)))

    return {"reason": reason}


def _facts_of(ask: Ask) -> _AskFacts:
    return _AskFacts(passages=tuple(_passage_facts(one) for one in ask.passages), form=ask.form, known=ask.known)


def _passage_facts(passage: Passage) -> _PassageFacts:
    match passage:
        case TextPassage():
            return _PassageFacts(kind="text", source=passage.source, reading=passage.kind, text=passage.text)
        case PicturePassage():
            return _PassageFacts(kind="picture", source=passage.medium, pictures=(measures_of(passage.picture),))
        case SoundPassage():
            return _PassageFacts(kind="sound", source=passage.medium, sound_start=passage.sound.start)
        case VideoPassage():
            return _PassageFacts(
                kind="video",
                source=passage.medium,
                pictures=tuple(measures_of(picture) for picture in passage.pictures),
                times=passage.times,
                step=passage.step,
                sound_start=None if passage.sound is None else passage.sound.start,
            )


def _arrays_of(passage: Passage) -> Iterator[Array]:
    match passage:
        case TextPassage():
            return
        case PicturePassage():
            yield passage.picture.pixels
        case SoundPassage():
            yield passage.sound.samples
        case VideoPassage():
            yield from (picture.pixels for picture in passage.pictures)
            if passage.sound is not None:
                yield passage.sound.samples


def _passage(facts: _PassageFacts, arrays: Iterator[Array]) -> Passage:
    if facts.kind == "text" and facts.reading is not None:
        return TextPassage(facts.source, facts.reading, facts.text)
    pictures: list[Picture] = [with_pixels(measures, next(arrays)) for measures in facts.pictures]
    sound = None if facts.sound_start is None else Sound(next(arrays), facts.sound_start)
    if facts.kind == "picture":
        return PicturePassage(facts.source, pictures[0])
    if sound is not None and facts.kind == "sound":
        return SoundPassage(facts.source, sound)
    return VideoPassage(facts.source, facts.times, tuple(pictures), facts.step, sound)
