"""Where something is: the places that every other record points to.

Conventions, stated here once:

- Character offsets count Unicode code points of the decoded text, half-open: ``text[start:end]`` is the quote.
- Boxes are ``x, y, width, height`` from the top left. In pictures and video frames they are pixels of the upright
  original (after EXIF orientation or rotation metadata); on pages of documents they are points of the upright page.
- A name that wraps over two lines is several boxes, never their union over foreign text.
- Masks are COCO compressed run lengths with ``size = [height, width]``.
- Times are seconds, half-open; zero is the start time of the container, for all its streams.
- Page numbers count from 1.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, SerializeAsAny, model_validator

from reamo_mcp.types.record import Record

GroundingKind = Literal["text_span", "image_region", "audio_segment", "video_segment", "video_track", "whole"]
ScoreKind = Literal["calibrated", "model", "none"]
Step = Literal["read", "propose", "locate", "link", "align"]


class Box(Record):
    """A rectangle: left edge, top edge, width and height."""

    x: float
    y: float
    width: float = Field(ge=0)
    height: float = Field(ge=0)

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The bottom edge."""
        return self.y + self.height

    @property
    def area(self) -> float:
        """Width times height."""
        return self.width * self.height

    def intersection_over_union(self, other: "Box") -> float:
        """Return the shared area divided by the joint area, 0 for boxes without area."""
        wide = min(self.right, other.right) - max(self.x, other.x)
        high = min(self.bottom, other.bottom) - max(self.y, other.y)
        if wide <= 0 or high <= 0:
            return 0.0
        shared = wide * high
        share = shared / (self.area + other.area - shared)
        return min(1.0, share)  # rounding may pass 1 where boxes have hardly an area

    def union(self, other: "Box") -> "Box":
        """Return the smallest box around both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Box(x=x, y=y, width=max(self.right, other.right) - x, height=max(self.bottom, other.bottom) - y)


class PageBox(Record):
    """A box on one page of a document, in points."""

    page: int = Field(ge=1)
    box: Box


class Mask(Record):
    """A picture mask as COCO compressed run lengths (column-major, as pycocotools writes them)."""

    size: tuple[int, int]
    counts: str


class TimeSpan(Record):
    """A half-open stretch of time in seconds."""

    start: float = Field(ge=0)
    end: float = Field(ge=0)

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"a time span ends ({self.end}) before it starts ({self.start})")
        return self


class Via(Record):
    """The slice of a reading that supports a grounding: ``reading.text[start:end]``."""

    reading: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Provenance(Record):
    """Who claims it: the model (or rule), the step of the pipeline, and the call of the reasoner if one asked."""

    model: str
    step: Step
    call: str | None = None


class PlacedBase(Record):
    """What all groundings share.

    ``quote`` is the slice of the reading named by ``via`` (for a text span without ``via``, of the medium's own
    text). ``score`` is a probability only where ``score_kind`` says ``calibrated``.
    """

    id: str
    media_id: str
    quote: str | None = None
    via: Via | None = None
    score: float | None = Field(default=None, ge=0, le=1)
    score_kind: ScoreKind = "none"
    provenance: Provenance


class TextSpan(PlacedBase):
    """A stretch of text. In a paged document ``parts`` says where it stands on its pages."""

    kind: Literal["text_span"] = "text_span"
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    parts: tuple[PageBox, ...] = ()

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.end <= self.start:
            raise ValueError("a text span holds at least one character")
        return self


class ImageRegion(PlacedBase):
    """One or several boxes in a picture, or on a page of a document that was read as a picture."""

    kind: Literal["image_region"] = "image_region"
    parts: tuple[Box, ...] = Field(min_length=1)
    page: int | None = Field(default=None, ge=1)
    mask: Mask | None = None


class AudioSegment(PlacedBase):
    """A stretch of a recording, or of a video's sound."""

    kind: Literal["audio_segment"] = "audio_segment"
    start: float = Field(ge=0)
    end: float = Field(ge=0)


class VideoSegment(PlacedBase):
    """A stretch of a video, with no place inside the frame claimed."""

    kind: Literal["video_segment"] = "video_segment"
    start: float = Field(ge=0)
    end: float = Field(ge=0)


class Keyframe(Record):
    """Where a thing is in the frame shown at ``time``."""

    time: float = Field(ge=0)
    parts: tuple[Box, ...] = Field(min_length=1)


class VideoTrack(PlacedBase):
    """A thing followed through a video.

    ``keyframes`` are the frames in which it was really seen; ``observed`` the stretches that were looked at, and
    ``visible`` those in which it was in sight.
    """

    kind: Literal["video_track"] = "video_track"
    start: float = Field(ge=0)
    end: float = Field(ge=0)
    keyframes: tuple[Keyframe, ...] = Field(min_length=1)
    observed: tuple[TimeSpan, ...] = ()
    visible: tuple[TimeSpan, ...] = ()


class Whole(PlacedBase):
    """The medium as a whole supports it (a metadata field, a file name); no place is claimed."""

    kind: Literal["whole"] = "whole"


# Written by what it is: a union that is written by trying its members takes twice the time.
Grounding = SerializeAsAny[
    Annotated[TextSpan | ImageRegion | AudioSegment | VideoSegment | VideoTrack | Whole, Field(discriminator="kind")]
]
