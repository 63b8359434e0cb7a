"""What the decoder child is asked and answers, as JSON; arrays travel beside it. Checked by whoever receives it."""

from dataclasses import dataclass

from pydantic import Field, TypeAdapter

from reamo_mcp.media.decoded import (
    Cue,
    DecodedText,
    Description,
    FramePlan,
    OpenFile,
    Page,
    StreamEnd,
)
from reamo_mcp.settings import Limits
from reamo_mcp.types.media import MediaKind
from reamo_mcp.types.record import Record


class Ask(Record):
    """A question about one file, whose descriptor travels beside it, and the arguments of the method."""

    name: str
    size: int
    sha256: str
    kind: MediaKind
    format: str
    limits: Limits
    range: tuple[float, float] | None = None
    page: int = 0
    longest_side: int = 0
    plan: FramePlan | None = None

    @classmethod
    def about(cls, file: OpenFile, limits: Limits) -> "Ask":
        """Return a question about this file, without arguments."""
        return cls(
            name=file.name, size=file.size, sha256=file.sha256, kind=file.kind, format=file.format, limits=limits
        )

    def file(self, descriptor: int) -> OpenFile:
        """Return the file as the child sees it."""
        return OpenFile(self.name, descriptor, self.size, self.sha256, self.kind, self.format)


class PictureMeasures(Record):
    """A picture without its pixels."""

    scale: float = Field(gt=0, allow_inf_nan=False)
    original_width: float = Field(gt=0, allow_inf_nan=False)
    original_height: float = Field(gt=0, allow_inf_nan=False)


class FrameMeasures(Record):
    """A frame without its pixels."""

    time: float = Field(allow_inf_nan=False)
    until: float = Field(allow_inf_nan=False)
    picture: PictureMeasures
    changed: bool
    shot_start: bool
    closing: bool = False


@dataclass(frozen=True)
class PageOrEnd:
    """One item of a stream of pages: a page, or how the stream ended."""

    page: Page | None = None
    end: StreamEnd | None = None


@dataclass(frozen=True)
class FrameOrEnd:
    """One item of a stream of frames."""

    frame: FrameMeasures | None = None
    end: StreamEnd | None = None


@dataclass(frozen=True)
class WindowOrEnd:
    """One item of a stream of sound: when its samples start, or how the stream ended."""

    start: float | None = None
    end: StreamEnd | None = None


DESCRIPTION = TypeAdapter(Description)
TEXT = TypeAdapter(DecodedText)
CUES = TypeAdapter(tuple[Cue, ...])
PAGE = TypeAdapter(PageOrEnd)
FRAME = TypeAdapter(FrameOrEnd)
WINDOW = TypeAdapter(WindowOrEnd)
