"""The role of a decoder: bytes in, pixels, samples and text out."""

from collections.abc import Iterator
from typing import Protocol

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import (
    Cue,
    DecodedText,
    Description,
    Frame,
    FramePlan,
    OpenFile,
    Outcome,
    Page,
    Picture,
    SoundWindow,
)


class Decoder(Protocol):
    """Decodes opened files. Calls block, check the control often, and raise errors of `reamo_mcp.errors` only."""

    def describe(self, file: OpenFile, control: Control) -> Description:
        """Return what the file is, from its header. Raises CorruptMedia, EncryptedMedia, TooLarge."""
        ...

    def text(self, file: OpenFile, control: Control) -> DecodedText:
        """Return the text of a text file, HTML or DOCX."""
        ...

    def pages(
        self, file: OpenFile, wanted: tuple[int, int] | None, outcome: Outcome, control: Control
    ) -> Iterator[Page]:
        """Yield the wanted pages (from 1, both ends included; None for all)."""
        ...

    def page_picture(self, file: OpenFile, page: int, longest_side: int, control: Control) -> Picture:
        """Return one upright page rendered so that its longer side has this many pixels."""
        ...

    def picture(self, file: OpenFile, longest_side: int, control: Control) -> Picture:
        """Return an image, reduced so that its longer side has at most this many pixels."""
        ...

    def sound(
        self, file: OpenFile, seconds: tuple[float, float] | None, outcome: Outcome, control: Control
    ) -> Iterator[SoundWindow]:
        """Yield the sound in windows of about 30 s without overlap, holes filled with silence."""
        ...

    def frames(self, file: OpenFile, plan: FramePlan, outcome: Outcome, control: Control) -> Iterator[Frame]:
        """Yield the planned frames of a video at their true times, upright."""
        ...

    def subtitles(self, file: OpenFile, control: Control) -> tuple[Cue, ...]:
        """Return the cues of the first text subtitle stream, empty if there is none."""
        ...
