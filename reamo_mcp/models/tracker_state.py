"""What a video tracker carries from one window of frames to the next, so that a thing keeps its number.

It is bounded, whatever the length of the video, and can cross the process border: the child that followed the last
window need not be the one that follows the next.
"""

from dataclasses import dataclass, field

from pydantic import Field

from reamo_mcp.media.decoded import Picture
from reamo_mcp.types.grounding import Mask
from reamo_mcp.types.record import Record


class FollowedThing(Record):
    """A thing that may be seen again: its number, what was asked for, its best score, and when it was seen last.

    ``doubted``: it was followed over a cut, and its phrase was not found there yet.
    """

    id: int = Field(ge=1)
    phrase: str
    score: float
    seen: float
    doubted: bool = False


class Outline(Record):
    """Where a thing is in a remembered picture: a mask of the size of its pixels."""

    id: int
    mask: Mask


@dataclass(frozen=True)
class Remembered:
    """A frame in which things were seen well."""

    picture: Picture
    outlines: tuple[Outline, ...]


@dataclass
class TrackerState:
    """All that is known after a window. Begin a video with a new one; the tracker changes it as it goes.

    ``looked`` is when the tracker last looked for new things, None before the first frame.
    """

    things: tuple[FollowedThing, ...] = ()
    remembered: tuple[Remembered, ...] = ()
    next_id: int = 1
    looked: float | None = field(default=None)
