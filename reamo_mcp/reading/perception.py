"""What perceiving one medium takes and gives."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reamo_mcp.media.decoded import OpenFile
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.models.roles import NameSpotter, ObjectDetector, TextReader, Transcriber
from reamo_mcp.types.coverage import MediumCoverage, UnsupportedAsk
from reamo_mcp.types.extraction import Notice
from reamo_mcp.types.media import Medium, Part
from reamo_mcp.types.reading import Reading
from reamo_mcp.types.record import Record


@dataclass(frozen=True)
class Senses:
    """The decoder and the models that read media. A missing one is reported as unsupported, never passed over."""

    decoder: Decoder
    text_reader: TextReader | None = None
    transcriber: Transcriber | None = None
    name_spotter: NameSpotter | None = None
    detectors: Sequence[ObjectDetector] = ()


@dataclass(frozen=True)
class Given:
    """One opened file, the id of its medium, the part that is wanted, and its transcript if one lies beside it.

    ``expected`` are names of the document's other media, worth listening for where there is no transcript.
    """

    file: OpenFile
    media_id: str
    part: Part = field(default_factory=Part)
    sidecar: OpenFile | None = None
    expected: tuple[str, ...] = ()

    def wanted(self, duration: float) -> tuple[float, float]:
        """Return from when to when, in seconds, a medium is to be read whose header promises this length."""
        start, end = self.part.seconds or (0.0, duration)
        return start, max(start, min(end, duration))


class Perception(Record):
    """What was perceived of one medium. Reading ids begin with the id of their medium: ``m1.speech``."""

    medium: Medium
    readings: tuple[Reading, ...]
    coverage: tuple[MediumCoverage, ...]
    unsupported: tuple[UnsupportedAsk, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def retryable(self) -> bool:
        """True when another try may perceive more, since a model or the machine failed on the way."""
        missed = (stretch for part in self.coverage for stretch in part.not_read)
        return any(stretch.retryable for stretch in missed) or any(notice.retryable for notice in self.notices)

    @property
    def is_draft(self) -> bool:
        """True when speech was heard without a transcript: then it matters which names were listened for."""
        return any(reading.draft for reading in self.readings)
