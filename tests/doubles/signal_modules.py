"""Modules that really look and listen, at signals so plain that no weights are needed. Doubles: for tests alone.

They fill the same roles as the models: a detector and a follower of coloured shapes (together a blob tracker), an
outliner of one colour, a segmenter of tones, and a detector and a segmenter that answer whatever they are asked.
"""

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy
from numpy.typing import NDArray

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE, Picture
from reamo_mcp.media.run_lengths import Pixels
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.following import FollowingTracker
from reamo_mcp.models.phrase_detection import NEGATIVES, Decision, Detection
from reamo_mcp.models.phrase_segmenter import PhraseSegmenter, box_of
from reamo_mcp.models.roles import Answer, Found, HeardSpan, ModelCard, Region, Unsupported
from reamo_mcp.types.grounding import Box

COLOURS = {"red": (220, 30, 30), "green": (30, 180, 30), "blue": (30, 30, 220), "yellow": (230, 220, 30)}
TONES = {"low": 220.0, "middle": 880.0, "high": 3520.0}
"""Hertz."""

_LEAST = 12  # pixels of a blob
_DECISION = Decision(threshold=0.3, margin=0.05)


def blobs(picture: Picture, colour: tuple[int, int, int]) -> list[Pixels]:
    """Return the joined areas of a colour, the largest first."""
    far = numpy.abs(picture.pixels.astype(int) - numpy.array(colour)).max(axis=2)
    count, labels = cv2.connectedComponents(numpy.asarray(far < 40, numpy.uint8))
    masks = [numpy.asarray(labels == label) for label in range(1, count)]
    return sorted((mask for mask in masks if mask.sum() >= _LEAST), key=lambda mask: -int(mask.sum()))


def colours_of(phrase: str) -> list[tuple[int, int, int]]:
    """Return the colours that a phrase means: those that it names; every one for "shape"."""
    words = re.findall(r"\w+", phrase.casefold())
    return list(COLOURS.values()) if "shape" in words else [COLOURS[word] for word in words if word in COLOURS]


@dataclass
class BlobDetector:
    """Sees the coloured areas that phrases name."""

    decision: Decision = _DECISION
    most: int = 60
    before: Callable[[], None] = lambda: None
    phrases: list[str] = field(default_factory=list[str])

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="phrase_detector", name="blobs", revision="1")

    def fits(self, phrases: Sequence[str]) -> bool:
        return len(phrases) <= self.most

    def detect(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Detection]:
        self.before()
        self.phrases += [phrase for phrase in phrases if phrase not in NEGATIVES]
        return [
            Detection(phrase=number, box=box, score=0.9)
            for number, phrase in enumerate(phrases)
            for colour in colours_of(phrase)
            for blob in blobs(picture, colour)
            if (box := box_of(picture, blob)) is not None
        ]


@dataclass
class AlwaysDetector:
    """Answers whatever it is asked, in the place and with the score that ``guess`` makes of a phrase."""

    guess: Callable[[str], tuple[Box, float]]
    decision: Decision = _DECISION

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="phrase_detector", name="always", revision="1")

    def fits(self, phrases: Sequence[str]) -> bool:
        return len(phrases) <= 60

    def detect(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Detection]:
        guesses = [self.guess(phrase) for phrase in phrases]
        return [Detection(phrase=number, box=box, score=score) for number, (box, score) in enumerate(guesses)]


def sees_everywhere(phrase: str) -> tuple[Box, float]:
    """See the red thing all over a picture of 320 x 240, and nothing else anywhere: where random models outline."""
    return Box(x=0, y=0, width=320, height=240), 0.9 if phrase == "the red thing" else 0.0


def share_of(phrase: str, salt: str) -> float:
    """Return a number from 0 to 1 that looks like chance and is the same every time."""
    return zlib.crc32(f"{salt} {phrase}".encode()) / 2**32


@dataclass
class AlwaysSegmenter:
    """Sees the coloured areas that phrases name; what is not there it sees all the same, somewhere, by chance."""

    score: Callable[[str], float] = lambda phrase: 0.3 + 0.15 * share_of(phrase, "score")
    sure_from: float | None = 0.5

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="image_segmenter", name="always", revision="1", sure_from=self.sure_from)

    def segment(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Answer[Region]]:
        return [Found(tuple(self._regions(picture, phrase))) for phrase in phrases]

    def _regions(self, picture: Picture, phrase: str) -> list[Region]:
        masks = [blob for colour in colours_of(phrase) for blob in blobs(picture, colour)]
        boxes = [box for mask in masks if (box := box_of(picture, mask)) is not None]
        if not boxes:
            wide, high = picture.original_width, picture.original_height
            x, y = (0.6 * share_of(phrase, axis) for axis in "xy")
            boxes = [Box(x=x * wide, y=y * high, width=0.3 * wide, height=0.3 * high)]
        return [Region(type=phrase, box=box, score=self.score(phrase)) for box in boxes]


@dataclass
class BlobOutliner:
    """Outlines what has the colour of the middle of a box."""

    before: Callable[[Sequence[Box]], None] = lambda _: None

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="outliner", name="blobs", revision="1")

    def outline(self, picture: Picture, boxes: Sequence[Box], control: Control) -> list[Pixels]:
        self.before(boxes)
        return [_outlined(picture, box) for box in boxes]


def _outlined(picture: Picture, box: Box) -> Pixels:
    height, width = picture.pixels.shape[:2]
    inside = numpy.zeros((height, width), numpy.bool_)
    left, right = (min(width, max(0, round(x * picture.scale))) for x in (box.x, box.right))
    top, bottom = (min(height, max(0, round(y * picture.scale))) for y in (box.y, box.bottom))
    inside[top:bottom, left:right] = True
    if not inside.any():
        return inside
    colour = picture.pixels[min(height - 1, (top + bottom) // 2), min(width - 1, (left + right) // 2)]
    far = numpy.abs(picture.pixels.astype(int) - colour.astype(int)).max(axis=2)
    return inside & (far < 40)


@dataclass
class _Blob:
    colour: NDArray[numpy.int64]
    area: int
    at: tuple[float, float]


@dataclass
class BlobFollowing:
    """Follows blobs by their colour, their size and their place."""

    check: Callable[[int], None]
    things: dict[int, _Blob] = field(default_factory=dict[int, _Blob])
    shown: int = 0

    def show(self, picture: Picture) -> dict[int, Pixels]:
        self.shown += 1
        self.check(self.shown)
        pairs: list[tuple[float, int, int]] = []
        found: list[Pixels] = []
        for number, thing in self.things.items():
            red, green, blue = (int(part) for part in thing.colour)
            for blob in blobs(picture, (red, green, blue)):
                unlike = abs(numpy.log(blob.sum() / thing.area)) * 100 + numpy.hypot(
                    *numpy.subtract(_middle(blob), thing.at)
                )
                pairs.append((float(unlike), number, len(found)))
                found.append(blob)
        sights: dict[int, Pixels] = {}
        taken: list[Pixels] = []
        for _, number, index in sorted(pairs):
            if number not in sights and not any((found[index] & other).any() for other in taken):
                sights[number] = found[index]
                taken.append(found[index])
                self.things[number].at = _middle(found[index])
        return sights

    def seed(self, picture: Picture, things: Mapping[int, Box | Pixels]) -> dict[int, Pixels]:
        sights = {
            number: _outlined(picture, place) if isinstance(place, Box) else place for number, place in things.items()
        }
        for number, pixels in sights.items():
            colour = numpy.median(picture.pixels[pixels], axis=0).astype(int)
            self.things[number] = _Blob(colour, int(pixels.sum()), _middle(pixels))
        return sights


def _middle(pixels: Pixels) -> tuple[float, float]:
    rows, columns = numpy.nonzero(pixels)
    return float(rows.mean()), float(columns.mean())


@dataclass
class BlobFollower:
    """Begins to follow blobs; ``check`` is told how many pictures a stretch was shown, and may raise."""

    check: Callable[[int], None] = lambda _: None
    stretches: int = 0

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="follower", name="blobs", revision="1")

    def begin(self) -> BlobFollowing:
        self.stretches += 1
        return BlobFollowing(self.check)


def blob_segmenter() -> PhraseSegmenter:
    """Return an image segmenter of coloured shapes."""
    return PhraseSegmenter(BlobDetector(), BlobOutliner())


def blob_tracker() -> FollowingTracker:
    """Return a video tracker of coloured shapes."""
    return FollowingTracker(BlobDetector(), BlobFollower())


@dataclass
class ToneSegmenter:
    """Hears tones by their name, such as "a low tone"; a phrase without one is not understood."""

    step: float = 0.05
    sounds: int = 0

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="audio_segmenter", name="tones", revision="1")

    def segment(self, sound: Sound, phrases: Sequence[str], control: Control) -> list[Answer[HeardSpan]]:
        self.sounds += 1
        return [self._heard(sound, phrase) for phrase in phrases]

    def _heard(self, sound: Sound, phrase: str) -> Answer[HeardSpan]:
        tone = next((TONES[word] for word in re.findall(r"\w+", phrase.casefold()) if word in TONES), None)
        if tone is None:
            return Unsupported("only tones are understood")
        size = round(self.step * SAMPLE_RATE)
        wave = numpy.exp(-2j * numpy.pi * tone * numpy.arange(size) / SAMPLE_RATE)
        whole = sound.samples[: len(sound.samples) // size * size].reshape(-1, size)
        loud = [bool(part) for part in numpy.abs(whole @ wave) / size > 0.02]
        spans: list[HeardSpan] = []
        start: int | None = None
        for number, is_loud in enumerate([*loud, False]):
            if is_loud and start is None:
                start = number
            elif not is_loud and start is not None:
                begin, end = (sound.start + edge * self.step for edge in (start, number))
                spans.append(HeardSpan(start=begin, end=end, score=0.9))
                start = None
        return Found(tuple(spans))
