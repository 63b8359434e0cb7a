"""The roles that models fill. Engines differ only in which roles they fill, and how.

All calls are synchronous and are made in one worker per device. A sequence in gives a sequence out in the same order,
and one bad item never fails the others. Coordinates are the record's (pixels of the upright original, seconds on the
container's clock, code points of the text given), never a model family's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from pydantic import Field

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.types.grounding import Box, Mask, ScoreKind, TimeSpan
from reamo_mcp.types.ontology import Ontology
from reamo_mcp.types.record import Record

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Found(Generic[T_co]):
    """The model looked; an empty ``items`` means that nothing is there."""

    items: tuple[T_co, ...]


@dataclass(frozen=True)
class Unsupported:
    """The model cannot do this, and says why."""

    reason: str


@dataclass(frozen=True)
class Failed:
    """The model failed on this item; ``code`` is that of an error in `reamo_mcp.errors`."""

    code: str
    message: str


Answer = Found[T_co] | Unsupported | Failed


class ModelCard(Record):
    """What a model is and what it can take."""

    role: str
    name: str
    revision: str
    accepts: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] | None = Field(default=None, description="None: open")
    calibrated: bool = False
    limits: str = ""


class EntityMention(Record):
    """A span of the text that names a thing; offsets in code points of the text given."""

    type: str
    start: int
    end: int
    score: float


class RelationMention(Record):
    """A link between two mentions, by their index in ``Mentions.entities``."""

    type: str
    head: int
    tail: int
    score: float


class ArgumentMention(Record):
    """A span that plays a role in an event; ``entity`` is the index of the equal entity mention, if there is one."""

    role: str
    start: int
    end: int
    score: float
    entity: int | None = None


class EventMention(Record):
    """A trigger and its arguments."""

    type: str
    start: int
    end: int
    score: float
    arguments: tuple[ArgumentMention, ...] = ()


class Mentions(Record):
    """What a text extractor found in one text."""

    entities: tuple[EntityMention, ...] = ()
    relations: tuple[RelationMention, ...] = ()
    events: tuple[EventMention, ...] = ()


class TextExtractor(Protocol):
    """Proposes mentions of an open ontology in texts."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    def extract(self, texts: Sequence[str], ontology: Ontology, control: Control) -> "list[Answer[Mentions]]":
        """Return one `Mentions` per text (in a `Found` of one item)."""
        ...


class ReadWord(Record):
    """A recognised word of a line, ``text[start:end]`` of the line, with its box in original units."""

    start: int
    end: int
    box: Box


class Line(Record):
    """A line of text in a picture: its words, its box, and the recogniser's own confidence (0 to 1)."""

    text: str
    box: Box
    words: tuple[ReadWord, ...]
    confidence: float


class TextReader(Protocol):
    """Reads text in pictures (OCR), in reading order."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    def read(self, pictures: Sequence[Picture], control: Control) -> "list[Answer[Line]]":
        """Return the lines of each picture."""
        ...


class Region(Record):
    """A thing in a picture: its type, its box in original units, an optional mask and an optional text (codes)."""

    type: str
    box: Box
    score: float
    score_kind: ScoreKind = "model"
    value: str | None = None
    mask: Mask | None = None


class ObjectDetector(Protocol):
    """Detects things of a closed vocabulary (its card's) in pictures."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    def detect(self, pictures: Sequence[Picture], control: Control) -> "list[Answer[Region]]":
        """Return the regions of each picture."""
        ...


@dataclass(frozen=True)
class Sound:
    """Mono float32 samples at 16 kHz; ``start`` is the time of the first sample on the container's clock."""

    samples: "NDArray[numpy.float32]" = field(repr=False)
    start: float = 0.0


class HeardWord(Record):
    """A recognised or aligned word with its time; ``confident`` is False where it must not look certain."""

    text: str
    start: float
    end: float
    confidence: float = Field(ge=0, le=1)
    confident: bool


class SpeechTranscript(Record):
    """What was heard in one window of sound: the speech segments and the words in them."""

    speech: tuple[TimeSpan, ...]
    words: tuple[HeardWord, ...]


class Transcriber(Protocol):
    """Turns speech into words with times. Silence and music give no words."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    def transcribe(self, sounds: Iterator[Sound], control: Control) -> Iterator[SpeechTranscript]:
        """Yield one transcript per window of sound, in order."""
        ...

    def align(self, sound: Sound, text: str, control: Control) -> "Answer[HeardWord]":
        """Return the given words at the times they are spoken in this window. Words not found are left out."""
        ...
