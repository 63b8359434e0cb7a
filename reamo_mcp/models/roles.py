"""The roles that models fill. Engines differ only in which roles they fill, and how.

All calls are synchronous and are made in one worker per device. A sequence in gives a sequence out in the same order,
and one bad item never fails the others. Coordinates are the record's (pixels of the upright original, seconds on the
container's clock, code points of the text given), never a model family's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import Field

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Frame, Picture
from reamo_mcp.models.asks import Ask, Capacity, Sound
from reamo_mcp.models.meta_response import MetaResponse
from reamo_mcp.models.tracker_state import TrackerState
from reamo_mcp.types.grounding import Box, Mask, ScoreKind, TimeSpan
from reamo_mcp.types.ontology import Ontology
from reamo_mcp.types.record import Record

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
    languages: tuple[str, ...] = Field(default=(), description="Those that it takes everything for; empty: any")
    draft: bool = Field(default=False, description="What it makes is known to be unreliable as a whole")
    calibrated: bool = False
    sure_from: float | None = Field(
        default=None, description="Score from which a find needs no second look; None: no score is that good"
    )
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


class HeardWord(Record):
    """A recognised or aligned word with its time; ``confident`` is False where it must not look certain."""

    text: str
    start: float
    end: float
    confidence: float = Field(ge=0, le=1)
    confident: bool


class SpeechTranscript(Record):
    """What was heard in one window of sound: the speech segments, the words in them, and their language (as in "en").

    The language is None where nobody speaks or the model does not know.
    """

    speech: tuple[TimeSpan, ...]
    words: tuple[HeardWord, ...]
    language: str | None = None


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


class NameSpotter(Protocol):
    """Listens for given names in speech, where no recogniser would know them."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    def spot(self, sound: Sound, names: Sequence[str], control: Control) -> "Answer[HeardWord]":
        """Return the names that are said in this window, in order of time, each as one item with its text as given.

        Names that are too short to be told from other speech are never returned.
        """
        ...


class Reasoned(Record):
    """An answer; ``complete`` is False where the budget cut it. ``dropped`` items had no usable form.

    ``reduced`` says what was shown in less detail than asked, and why; empty where nothing was.
    """

    response: MetaResponse
    complete: bool
    dropped: int = 0
    reduced: str = ""


class Reasoner(Protocol):
    """Reads all media of an ask at once and answers with one meta-response."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    @property
    def capacity(self) -> Capacity:
        """What one ask may hold."""
        ...

    def reason(self, asks: Sequence[Ask], budget: int, control: Control) -> "list[Answer[Reasoned]]":
        """Return one answer per ask (in a `Found` of one item), each of at most ``budget`` tokens."""
        ...


class ImageSegmenter(Protocol):
    """Finds what a phrase refers to in a picture. Nothing is a legal answer: it must not always find something."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    def segment(self, picture: Picture, phrases: Sequence[str], control: Control) -> "list[Answer[Region]]":
        """Return the regions of each phrase, best first, with masks where the model makes them."""
        ...


class Confirmation(Record):
    """How sure a model is that a picture shows what a phrase says: the share of "yes" against "no", 0 to 1."""

    share: float = Field(ge=0, le=1)


class Confirmer(Protocol):
    """Looks at what was cut out of pictures and answers yes or no: is it what the phrase says?"""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    def confirm(
        self, crops: Sequence[Picture], phrases: Sequence[str], control: Control
    ) -> "list[Answer[Confirmation]]":
        """Return one `Confirmation` per crop (in a `Found` of one item), each about the phrase of its place."""
        ...


class TrackedRegion(Record):
    """A thing in one frame; ``id`` is its own throughout the video, and ``region.type`` the phrase it answers."""

    id: int = Field(ge=1)
    region: Region


class TrackStep(Record):
    """What is in sight in the frame shown at ``time``."""

    time: float
    regions: tuple[TrackedRegion, ...]


class VideoTracker(Protocol):
    """Follows what phrases refer to through a video, window by window. Nothing is a legal answer."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    def track(
        self, frames: Iterable[Frame], phrases: Sequence[str], state: TrackerState, control: Control
    ) -> Iterator[TrackStep]:
        """Yield one step per frame, in order; ``state`` is that of the window before and becomes that of this one.

        Frames stay valid after the next one is taken. Raises OutOfMemory and EngineFailed; the state may then be that
        of an earlier step.
        """
        ...


class HeardSpan(TimeSpan):
    """A stretch of sound, on the container's clock, that a phrase refers to."""

    score: float
    score_kind: ScoreKind = "model"


class AudioSegmenter(Protocol):
    """Finds when a phrase is heard, such as "a dog barks". Nothing is a legal answer."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    def segment(self, sound: Sound, phrases: Sequence[str], control: Control) -> "list[Answer[HeardSpan]]":
        """Return the stretches of each phrase, in the order of time."""
        ...
