"""An engine: which roles a profile fills, and by what."""

from collections.abc import Callable
from dataclasses import dataclass

from reamo_mcp.models.roles import (
    AudioSegmenter,
    Confirmer,
    ImageSegmenter,
    ModelCard,
    NameSpotter,
    ObjectDetector,
    Reasoner,
    TextExtractor,
    TextReader,
    Transcriber,
    VideoTracker,
)


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Engine:
    """The roles of one profile; None where the profile cannot do it.

    ``device`` says where the models run, ``close`` frees what they hold.
    """

    profile: str
    text_extractor: TextExtractor | None = None
    text_reader: TextReader | None = None
    transcriber: Transcriber | None = None
    name_spotter: NameSpotter | None = None
    detectors: tuple[ObjectDetector, ...] = ()
    reasoner: Reasoner | None = None
    image_segmenter: ImageSegmenter | None = None
    video_tracker: VideoTracker | None = None
    audio_segmenter: AudioSegmenter | None = None
    confirmer: Confirmer | None = None
    device: str = "cpu"
    close: Callable[[], None] = _nothing

    def cards(self) -> tuple[ModelCard, ...]:
        """Return what the models are, in a fixed order; asking loads no weights."""
        readers = (self.text_extractor, self.text_reader, self.transcriber, self.name_spotter, *self.detectors)
        modules = (self.image_segmenter, self.video_tracker, self.audio_segmenter, self.confirmer)
        return tuple(role.card for role in (*readers, self.reasoner, *modules) if role is not None)
