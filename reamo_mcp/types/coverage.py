"""What was read, what was not, and why: nothing is lost silently."""

from typing import Literal

from pydantic import Field

from reamo_mcp.types.record import Record

Unit = Literal["characters", "pages", "pixels", "seconds", "frames", "tracks"]


class NotRead(Record):
    """A stretch that was not read. ``start`` and ``end`` count in the unit of the coverage (pages from 1)."""

    unit: Unit
    start: float
    end: float
    reason: str
    retryable: bool = Field(default=False, description="A model or the machine failed, not the file: ask again")


class MediumCoverage(Record):
    """How much of one medium was read by one reader ('text', 'picture_text', 'speech', 'faces', 'sight' ...)."""

    media_id: str
    reader: str
    unit: Unit
    total: float = Field(ge=0)
    read: float = Field(ge=0)
    not_read: tuple[NotRead, ...] = ()


class UnsupportedAsk(Record):
    """Something that was asked for and that this engine cannot do for this medium."""

    media_id: str | None
    what: str
    reason: str


class FailedMedium(Record):
    """A source that could not be read at all; the others were."""

    name: str
    code: str
    message: str


class Coverage(Record):
    """The honest account of one extraction."""

    media: tuple[MediumCoverage, ...] = ()
    unsupported: tuple[UnsupportedAsk, ...] = ()
    failed: tuple[FailedMedium, ...] = ()

    @property
    def complete(self) -> bool:
        """True when nothing that the engine can read was left out."""
        return not self.failed and not any(medium.not_read for medium in self.media)

    @property
    def retryable(self) -> bool:
        """True when another try may read more: a source failed, or a model or the machine did on the way."""
        return bool(self.failed) or any(missed.retryable for medium in self.media for missed in medium.not_read)
