"""What models are given: sounds, and the asks of a reasoner with their passages. Coordinates are the record's."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import Field

from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.meta_grammar import Form
from reamo_mcp.types.reading import ReadingKind
from reamo_mcp.types.record import Record

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Sound:
    """Mono float32 samples at 16 kHz; ``start`` is the time of the first sample on the container's clock."""

    samples: "NDArray[numpy.float32]" = field(repr=False)
    start: float = 0.0


@dataclass(frozen=True)
class TextPassage:
    """A stretch of a reading that can be quoted; ``source`` is the reading's id."""

    source: str
    kind: ReadingKind
    text: str


@dataclass(frozen=True)
class PicturePassage:
    """A picture as a whole; ``medium`` is its id."""

    medium: str
    picture: Picture


@dataclass(frozen=True)
class SoundPassage:
    """A stretch of a recording."""

    medium: str
    sound: Sound


@dataclass(frozen=True)
class VideoPassage:
    """A stretch of a video: what is shown every ``step`` seconds, at ``times``, and its own sound where it has one."""

    medium: str
    times: tuple[float, ...]
    pictures: tuple[Picture, ...]
    step: float
    sound: Sound | None = None


Passage = TextPassage | PicturePassage | SoundPassage | VideoPassage


class KnownEntity(Record):
    """A thing that was found before, so that it keeps its id."""

    id: str
    type: str
    name: str


@dataclass(frozen=True)
class Ask:
    """All that a reasoner is given at once; ``form`` says what its answer may name."""

    passages: tuple[Passage, ...]
    form: Form
    known: tuple[KnownEntity, ...] = ()


class Capacity(Record):
    """What one ask may hold, so that it fits the context and the memory of the model."""

    characters: int = Field(default=12_000, ge=200)
    pictures: int = Field(default=4, ge=1)
    picture_side: int = Field(default=1024, ge=56, description="Longest side in pixels that is of use")
    frames: int = Field(default=32, ge=2, description="Of videos")
    frame_side: int = Field(default=448, ge=56)
    seconds: float = Field(default=120.0, gt=0, description="Of sound, that of videos included")
    together: int = Field(default=1, ge=1, description="Asks that are best put at once")
