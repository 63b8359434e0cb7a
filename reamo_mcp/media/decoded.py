"""What the decoder hands out: pixels, samples, text and their places, already reduced and upright.

Arrays are numpy and live in shared memory when a child process made them; they are read-only and valid until the next
item of the same iterator is asked for (`SoundWindow`, `Frame`) or until the object is dropped (`Picture`).
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reamo_mcp.types.coverage import NotRead
from reamo_mcp.types.extraction import Notice
from reamo_mcp.types.grounding import Box
from reamo_mcp.types.media import MediaKind, PageSize
from reamo_mcp.types.reading import Fact

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

SAMPLE_RATE = 16_000


@dataclass(frozen=True)
class FileIdentity:
    """What tells one state of a file from another: its place on the disk and the time of its last change."""

    device: int
    inode: int
    modified_ns: int


@dataclass(frozen=True)
class OpenFile:
    """A regular file that was opened below an allowed folder. Owned by whoever opened it; `fd` stays open till then.

    ``identity`` is None where the file cannot change any more.
    """

    name: str
    fd: int
    size: int
    sha256: str
    kind: MediaKind
    format: str
    identity: FileIdentity | None = None


@dataclass(frozen=True)
class Description:
    """What a file is, from its header alone. Sizes are of the upright original; times in seconds."""

    kind: MediaKind
    format: str
    width: int = 0
    height: int = 0
    duration: float = 0.0
    pages: int = 0
    has_sound: bool = False
    has_subtitles: bool = False
    facts: tuple[Fact, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class HiddenSpan:
    """A stretch of a decoded text that a person would not see."""

    start: int
    end: int


@dataclass(frozen=True)
class DecodedText:
    """A text in Unicode; for HTML and DOCX the flowing text that a person would read."""

    text: str
    encoding: str
    hidden: tuple[HiddenSpan, ...] = ()
    facts: tuple[Fact, ...] = ()
    notices: tuple[Notice, ...] = ()
    not_read: tuple[NotRead, ...] = ()


@dataclass(frozen=True)
class PageWord:
    """A word of a page's text layer, ``text[start:end]`` of the page, with its box in points of the upright page."""

    start: int
    end: int
    box: Box
    visible: bool = True


@dataclass(frozen=True)
class Page:
    """One page of a document. ``needs_recognition`` is true when its picture holds text that its layer lacks."""

    number: int
    size: PageSize
    text: str
    words: tuple[PageWord, ...]
    needs_recognition: bool


@dataclass(frozen=True)
class Picture:
    """Upright RGB pixels, uint8 of shape (height, width, 3), reduced by ``scale`` (array pixels / original units).

    ``original_width`` and ``original_height`` are pixels of the upright original, or points of an upright page:
    a box of the array divided by ``scale`` is a box of the record.
    """

    pixels: "NDArray[numpy.uint8]"
    scale: float
    original_width: float
    original_height: float


@dataclass(frozen=True)
class SoundWindow:
    """Mono samples, float32 at 16 kHz; ``start`` is the time of the first sample on the container's clock."""

    start: float
    samples: "NDArray[numpy.float32]"


@dataclass(frozen=True)
class Frame:
    """The frame shown from ``time`` until ``until``.

    ``changed`` is false when it equals the last frame that was changed and not closing. ``closing`` marks the last
    frame before a cut or a sudden change: it tells until when something was there, and is not worth reading anew.
    """

    time: float
    until: float
    picture: Picture
    changed: bool = True
    shot_start: bool = False
    closing: bool = False


@dataclass(frozen=True)
class FramePlan:
    """Which frames are wanted: at least one per ``step`` seconds, and one after each shot change."""

    step: float = 1.0
    start: float = 0.0
    end: float | None = None
    longest_side: int = 1280
    most: int = 20_000
    shots: bool = True


@dataclass(frozen=True)
class Cue:
    """A subtitle: shown from ``start`` to ``end``. ``cut`` if it, or what follows it, was too much to be read whole."""

    start: float
    end: float
    text: str
    cut: bool = False


@dataclass(frozen=True)
class StreamEnd:
    """How a stream of windows, frames or pages ended: what was read and what a limit or damage cut off."""

    read: float
    not_read: tuple[NotRead, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass
class Outcome:
    """Filled by a stream when it ends, so that its reader learns how it ended."""

    end: StreamEnd | None = field(default=None)
