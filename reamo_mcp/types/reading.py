"""What was read from one medium, with every word, region and track knowing its place.

A reading is the hub of the project: engines propose candidates from readings, and every candidate is grounded against
them. Its ``text`` is what proposers see; ``words`` say where each stretch of that text stands in the medium.
"""

from typing import Annotated, Literal

from pydantic import Field, SerializeAsAny

from reamo_mcp.types.grounding import Box, Keyframe, Mask, PageBox, ScoreKind, TimeSpan
from reamo_mcp.types.record import Record

ReadingKind = Literal["text", "picture_text", "transcript", "video_text", "sight", "metadata"]


class AtPage(Record):
    """On pages of a document; ``by`` tells a text layer from characters recognised in the page's picture."""

    kind: Literal["page"] = "page"
    parts: tuple[PageBox, ...] = Field(min_length=1)
    by: Literal["text_layer", "recognition"] = "text_layer"


class AtRegion(Record):
    """In a picture; ``mask`` tells the outline within the boxes, where one is known."""

    kind: Literal["region"] = "region"
    parts: tuple[Box, ...] = Field(min_length=1)
    mask: Mask | None = None


class AtTime(Record):
    """In a recording, or in the sound of a video."""

    kind: Literal["time"] = "time"
    start: float = Field(ge=0)
    end: float = Field(ge=0)


class AtTrack(Record):
    """In a video: where it was seen, when it was in sight."""

    kind: Literal["track"] = "track"
    start: float = Field(ge=0)
    end: float = Field(ge=0)
    keyframes: tuple[Keyframe, ...] = Field(min_length=1)
    observed: tuple[TimeSpan, ...] = ()
    visible: tuple[TimeSpan, ...] = ()


# Written by what it is, as a `Grounding`: readings have a place for every word.
Place = SerializeAsAny[Annotated[AtPage | AtRegion | AtTime | AtTrack, Field(discriminator="kind")]]


class Word(Record):
    """A stretch ``text[start:end]`` of the reading and its place in the medium.

    ``confidence`` is the recogniser's own number (0 to 1, not calibrated unless the reading says so); ``confident``
    is False where the reading must not look certain; ``visible`` is False for text that a person would not see
    (white, tiny, off the page): kept as evidence, never handed to a model by default.
    """

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    place: Place | None = None
    confidence: float | None = Field(default=None, ge=0, le=1)
    confident: bool = True
    visible: bool = True


class Sighting(Record):
    """A thing seen without a name: a face in a picture, a face followed through a video, a barcode."""

    id: str
    type: str
    place: Place
    score: float | None = Field(default=None, ge=0, le=1)
    score_kind: ScoreKind = "none"
    value: str | None = Field(default=None, description="What it says, for codes that carry text")


class Fact(Record):
    """An attested field of the file itself: EXIF time and place, ID3 artist, PDF author, a chapter's title.

    ``name`` is a lower-case name such as 'author', 'created', 'place', 'title', 'chapter'.
    ``type`` is the entity type it attests ('person', 'date', 'location' ...), None if it names no entity.
    """

    name: str
    value: str
    type: str | None = None
    time: TimeSpan | None = None
    place: Place | None = None


class Reading(Record):
    """What one reader found in one medium.

    ``kind`` says what the text is: the medium's own text, text in a picture, speech, text in a video; ``sight`` holds
    nameless sightings and ``metadata`` facts, both without text. For a ``text`` reading of a text medium, offsets are
    those of the medium and ``words`` is empty; for a document they are those of the reading.
    ``draft`` marks a reading that is known to be unreliable as a whole (a draft transcript).
    """

    id: str
    media_id: str
    kind: ReadingKind
    model: str
    text: str = ""
    words: tuple[Word, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    facts: tuple[Fact, ...] = ()
    language: str | None = None
    draft: bool = False
