"""Roles that remember: what a model said of the same pixels is not asked again.

They are what makes a killed job cheap to repeat (finished pages and frames are found again) and what lets a picture,
the same picture on a page, and the same frame later in a video share one reading. The key is the content itself, the
model and the scale, so nothing stale can be found.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.roles import (
    Answer,
    Failed,
    Found,
    HeardWord,
    ImageSegmenter,
    Line,
    ModelCard,
    ObjectDetector,
    Region,
    SpeechTranscript,
    TextReader,
    Transcriber,
    Unsupported,
)
from reamo_mcp.store.files import BlobFolder
from reamo_mcp.store.keys import key
from reamo_mcp.store.records import RecordStore
from reamo_mcp.types.record import Record

_BATCH = 8


class _Lines(Record):
    items: tuple[Line, ...]


class _Regions(Record):
    items: tuple[Region, ...]


T = TypeVar("T")
R = TypeVar("R", _Lines, _Regions)


class _Memory(Generic[R]):
    """Answers by picture; asks for the unknown ones in batches, so that a kill loses at most one batch."""

    def __init__(self, blobs: BlobFolder, kind: type[R]) -> None:
        self._records = RecordStore(blobs)
        self._kind = kind

    def answers(
        self,
        pictures: Sequence[Picture],
        card: ModelCard,
        ask: Callable[[Sequence[Picture]], "list[Answer[T]]"],
        keep: Callable[[tuple[T, ...]], R],
        recall: Callable[[R], tuple[T, ...]],
    ) -> "list[Answer[T]]":
        keys = [_picture_key(picture, card) for picture in pictures]
        known: dict[int, Answer[T]] = {}
        for index, name in enumerate(keys):
            record = self._records.get(name, self._kind)
            if record is not None:
                known[index] = Found(recall(record))
        unknown = [index for index in range(len(pictures)) if index not in known]
        for start in range(0, len(unknown), _BATCH):
            batch = unknown[start : start + _BATCH]
            for index, answer in zip(batch, ask([pictures[index] for index in batch]), strict=True):
                known[index] = answer
                match answer:
                    case Found(items=items):
                        self._records.put(keys[index], keep(items))
                    case Unsupported() | Failed():
                        pass  # asked again next time
        return [known[index] for index in range(len(pictures))]


def _picture_key(picture: Picture, card: ModelCard) -> str:
    import numpy

    pixels = numpy.ascontiguousarray(picture.pixels)
    return key(pixels.tobytes(), str(pixels.shape), picture.scale, card.role, card.name, card.revision)


class RememberedTextReader:
    """A text reader that finds again what it has read."""

    def __init__(self, reader: TextReader, blobs: BlobFolder) -> None:
        self._reader = reader
        self._memory = _Memory(blobs, _Lines)

    @property
    def card(self) -> ModelCard:
        """The card of the reader behind."""
        return self._reader.card

    def read(self, pictures: Sequence[Picture], control: Control) -> "list[Answer[Line]]":
        """Return the lines of each picture, asking the reader only for unknown pictures."""
        return self._memory.answers(
            pictures,
            self.card,
            ask=lambda unknown: self._reader.read(unknown, control),
            keep=lambda items: _Lines(items=items),
            recall=lambda record: record.items,
        )


class RememberedDetector:
    """An object detector that finds again what it has seen."""

    def __init__(self, detector: ObjectDetector, blobs: BlobFolder) -> None:
        self._detector = detector
        self._memory = _Memory(blobs, _Regions)

    @property
    def card(self) -> ModelCard:
        """The card of the detector behind."""
        return self._detector.card

    def detect(self, pictures: Sequence[Picture], control: Control) -> "list[Answer[Region]]":
        """Return the regions of each picture, asking the detector only for unknown pictures."""
        return self._memory.answers(
            pictures,
            self.card,
            ask=lambda unknown: self._detector.detect(unknown, control),
            keep=lambda items: _Regions(items=items),
            recall=lambda record: record.items,
        )


class _Segmented(Record):
    answers: tuple[tuple[Region, ...], ...]


class RememberedImageSegmenter:
    """An image segmenter that finds again what it was asked of the same pixels.

    The whole question is the key: what a model sees of one phrase may depend on those asked for beside it.
    """

    def __init__(self, segmenter: ImageSegmenter, blobs: BlobFolder) -> None:
        self._segmenter = segmenter
        self._records = RecordStore(blobs)

    @property
    def card(self) -> ModelCard:
        """The card of the segmenter behind."""
        return self._segmenter.card

    def segment(self, picture: Picture, phrases: Sequence[str], control: Control) -> "list[Answer[Region]]":
        """Return the regions of each phrase, asking the segmenter only for an unknown question."""
        name = key(_picture_key(picture, self.card), picture.original_width, picture.original_height, list(phrases))
        known = self._records.get(name, _Segmented)
        if known is not None:
            return [Found(regions) for regions in known.answers]
        answers = self._segmenter.segment(picture, phrases, control)
        found = tuple(answer.items for answer in answers if isinstance(answer, Found))
        if len(found) == len(answers):  # what failed is asked again next time
            self._records.put(name, _Segmented(answers=found))
        return answers


class _Words(Record):
    items: tuple[HeardWord, ...]


class RememberedTranscriber:
    """A transcriber that finds again what it has heard. Each window is heard by itself, so it is its own key."""

    def __init__(self, transcriber: Transcriber, blobs: BlobFolder) -> None:
        self._transcriber = transcriber
        self._records = RecordStore(blobs)

    @property
    def card(self) -> ModelCard:
        """The card of the transcriber behind."""
        return self._transcriber.card

    def transcribe(self, sounds: Iterator[Sound], control: Control) -> Iterator[SpeechTranscript]:
        """Yield one transcript per window, asking the transcriber only for unknown windows."""
        for sound in sounds:
            name = _sound_key(sound, self.card)
            heard = self._records.get(name, SpeechTranscript)
            if heard is None:
                (heard,) = self._transcriber.transcribe(iter((sound,)), control)
                self._records.put(name, heard)
            yield heard

    def align(self, sound: Sound, text: str, control: Control) -> "Answer[HeardWord]":
        """Return the given words at their times, asking the transcriber only for unknown pairs of sound and text."""
        name = _sound_key(sound, self.card, text)
        known = self._records.get(name, _Words)
        if known is not None:
            return Found(known.items)
        answer = self._transcriber.align(sound, text, control)
        match answer:
            case Found(items=items):
                self._records.put(name, _Words(items=items))
            case Unsupported() | Failed():
                pass  # asked again next time
        return answer


def _sound_key(sound: Sound, card: ModelCard, text: str | None = None) -> str:
    return key(sound.samples.tobytes(), sound.start, text, card.role, card.name, card.revision)
