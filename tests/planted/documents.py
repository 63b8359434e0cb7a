"""Sixty documents with names planted at known places: text, picture, scan, video, speech and their combinations."""

# The stubs of av leave the parameters of its packets and streams open:
# pyright: reportUnknownMemberType=false

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

import av
import numpy
from av.video.stream import VideoStream
from PIL import Image, ImageDraw, ImageFont

from reamo_mcp.types.grounding import Box
from tests.media_samples import write_sound

Channel: TypeAlias = Literal["text", "picture", "scan", "video", "speech"]

# The nine combinations of the paper (image, video, audio, text+image, text+video, text+audio, image+audio,
# text+image+audio, video+audio), beside text, scans, and all media at once.
COMBINATIONS: tuple[tuple[Channel, ...], ...] = (
    ("text",),
    ("scan",),
    ("picture",),
    ("video",),
    ("speech",),
    ("text", "picture"),
    ("text", "video"),
    ("text", "speech"),
    ("picture", "speech"),
    ("text", "picture", "speech"),
    ("video", "speech"),
    ("text", "picture", "video", "speech"),
)
EACH = 5

_PEOPLE = (
    "Maria Keller", "Thomas Wagner", "Laura Bianchi", "Peter Novak", "Susan Miller", "David Cohen", "Julia Roberts",
    "Michael Brown", "Helen Carter", "Robert Schmidt", "Anna Lindqvist", "James Wilson", "Sarah Johnson", "Paul Martin",
    "Emma Taylor", "George Harris", "Nina Petrova", "Daniel Moore", "Clara Jensen", "Kevin Walsh",
)  # fmt: skip
_PLACES = (
    "London", "Berlin", "Lisbon", "Chicago", "Toronto", "Madrid", "Vienna", "Sydney", "Nairobi", "Oslo", "Warsaw",
    "Boston", "Dublin", "Athens", "Helsinki", "Prague", "Seattle", "Geneva", "Budapest", "Brussels",
)  # fmt: skip
_ORGANIZATIONS = (
    "Orion Bank", "Greenfield University", "Northwind Airlines", "Siemens", "Microsoft", "Red Cross", "Nestle",
    "Harvard University", "United Nations", "Royal Opera", "Volvo", "Reuters", "Deutsche Bank", "Airbus", "Greenpeace",
    "Stanford University", "British Airways", "World Bank", "Toyota", "Princeton University",
)  # fmt: skip
_SENTENCES = (
    "{person} works for {organization} in {place}.",
    "{person} left {place} and joined {organization}.",
    "In {place}, {person} met the president of {organization}.",
    "{organization} sent {person} to {place} last week.",
)


@dataclass(frozen=True)
class Planted:
    """A name in one file; ``boxes`` (one per line) in pixels, or in points on the page of a scan."""

    name: str
    channel: Channel
    boxes: tuple[Box, ...] = ()
    start: float = 0.0
    end: float = 0.0


@dataclass
class PlantedDocument:
    """The files of one document, the clean sentence of each, and what was planted."""

    channels: tuple[Channel, ...]
    files: dict[Channel, Path] = field(default_factory=dict[Channel, Path])
    sentences: dict[Channel, str] = field(default_factory=dict[Channel, str])
    planted: list[Planted] = field(default_factory=list[Planted])


def planted_documents(folder: Path, seed: int = 20260314) -> list[PlantedDocument]:
    """Write the files of all documents. Every channel of a document says a sentence of its own names."""
    chance = random.Random(seed)
    documents: list[PlantedDocument] = []
    for combination in COMBINATIONS:
        for number in range(EACH):
            home = folder / f"{'_'.join(combination)}_{number}"
            home.mkdir(parents=True)
            documents.append(_document(home, combination, chance))
    return documents


def _document(home: Path, channels: tuple[Channel, ...], chance: random.Random) -> PlantedDocument:
    document = PlantedDocument(channels)
    people, places = chance.sample(_PEOPLE, len(channels)), chance.sample(_PLACES, len(channels))
    organizations = chance.sample(_ORGANIZATIONS, len(channels))
    for channel, *names in zip(channels, people, places, organizations, strict=True):
        person, place, organization = names
        sentence = chance.choice(_SENTENCES).format(person=person, place=place, organization=organization)
        document.sentences[channel] = sentence
        document.files[channel] = home / f"{channel}.{_SUFFIXES[channel]}"
        document.planted += _write(document.files[channel], channel, sentence, names, chance)
    return document


_SUFFIXES: dict[Channel, str] = {"text": "txt", "picture": "png", "scan": "pdf", "video": "mp4", "speech": "wav"}


def _write(path: Path, channel: Channel, sentence: str, names: Sequence[str], chance: random.Random) -> list[Planted]:
    match channel:
        case "text":
            path.write_text(sentence, encoding="utf-8")
            return [Planted(name, channel) for name in names]
        case "picture":
            picture, boxes = _drawn(sentence, names, (900, 500), chance.randint(32, 44), chance)
            picture.save(path)
            return [Planted(name, channel, boxes[name]) for name in names]
        case "scan":
            picture, boxes = _drawn(sentence, names, (1240, 1754), 34, chance)
            picture.save(path, "PDF", resolution=150.0)
            scale = 72 / 150
            return [
                Planted(
                    name,
                    channel,
                    tuple(
                        Box(x=box.x * scale, y=box.y * scale, width=box.width * scale, height=box.height * scale)
                        for box in boxes[name]
                    ),
                )
                for name in names
            ]
        case "video":
            picture, boxes = _drawn(sentence, names, (960, 540), chance.randint(32, 40), chance)
            _write_video(path, picture, seconds=4.0, shown=(1.0, 3.0))
            return [Planted(name, channel, boxes[name], 1.0, 3.0) for name in names]
        case "speech":
            write_sound(path, numpy.zeros(16_000 * 6, numpy.float32))
            cue = f"1\n00:00:01,000 --> 00:00:05,000\n{sentence}\n"
            path.with_suffix(".srt").write_text(cue, encoding="utf-8")
            return [Planted(name, channel, (), 1.0, 5.0) for name in names]


def _drawn(
    sentence: str, names: Sequence[str], size: tuple[int, int], height: int, chance: random.Random
) -> tuple[Image.Image, dict[str, tuple[Box, ...]]]:
    """Draw a sentence in lines of whole words and return the ink boxes of the names, one per line."""
    dark = chance.random() < 0.3
    picture = Image.new("RGB", size, "#102030" if dark else "#f4f0e6")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(height)
    left, top, right = 60, chance.randint(40, size[1] // 3), size[0] - 60
    x, y, end = float(left), float(top), 0
    places: list[tuple[int, int, Box]] = []
    for word in sentence.split(" "):
        wide = draw.textlength(word, font)
        if x + wide > right:
            x, y = float(left), y + 1.5 * height
        draw.text((x, y), word, "#f0f0f0" if dark else "#101010", font)
        bare = word.rstrip(".,")
        x0, y0, x1, y1 = draw.textbbox((x, y), bare, font)
        places.append((end, end + len(bare), Box(x=x0, y=y0, width=x1 - x0, height=y1 - y0)))
        end += len(word) + 1
        x += wide + draw.textlength(" ", font)
    boxes: dict[str, tuple[Box, ...]] = {}
    for name in names:
        start = sentence.index(name)
        lines: list[Box] = []
        for begin, stop, box in places:
            if begin >= start and stop <= start + len(name):
                same = lines and abs(lines[-1].y - box.y) < height
                lines[-1:] = [lines[-1].union(box)] if same else [*lines[-1:], box]
        boxes[name] = tuple(lines)
    return picture, boxes


def _write_video(path: Path, caption: Image.Image, seconds: float, shown: tuple[float, float]) -> None:
    blank = numpy.full((caption.height, caption.width, 3), 40, numpy.uint8)
    pixels = numpy.asarray(caption)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = caption.width, caption.height, "yuv420p"
        for number in range(round(seconds * 10)):
            here = shown[0] <= number / 10 < shown[1]
            frame = av.VideoFrame.from_ndarray(pixels if here else blank, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
