"""Recordings and videos made for tests: pictures that carry their own number, tones at known times."""

# The stubs of av leave the parameters of its packets and streams open:
# pyright: reportUnknownMemberType=false

import os
import struct
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy
from av.audio.stream import AudioStream
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

from reamo_mcp.media.decoded import OpenFile
from reamo_mcp.types.media import MediaKind

SUBTITLE_STYLE = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Sans,16

[Events]
Format: Layer, Start, End, Style, Text
"""
_BITS = 12
_CELLS_HIGH = 2  # the number stands in two rows: itself and its complement, so that a wrong picture is noticed
RATE = 48_000


@dataclass(frozen=True)
class VideoSample:
    """What a video shall look like; ``pts(i)`` is the timestamp of frame ``i`` in units of ``base``."""

    frames: int
    pts: Callable[[int], int] = lambda number: number
    base: Fraction = Fraction(1, 30)
    size: tuple[int, int] = (320, 180)
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    sound_start: float | None = None
    sound_seconds: float = 0.0
    format: str | None = None
    key_frame_every: int = 60
    picture: "Callable[[int, NDArray[numpy.uint8]], None] | None" = None  # draws on the gray picture, above the number
    subtitles: tuple[tuple[float, float, str], ...] = ()


def numbered_picture(number: int, size: tuple[int, int]) -> "NDArray[numpy.uint8]":
    """Return a gray picture (height, width) that shows the bits of ``number`` in its lowest quarter."""
    width, height = size
    pixels = numpy.full((height, width), 90, numpy.uint8)
    cell_wide, cell_high = width // _BITS, height // (4 * _CELLS_HIGH)
    for row in range(_CELLS_HIGH):
        top = height - (row + 1) * cell_high
        for bit in range(_BITS):
            is_set = bool(number >> bit & 1) ^ bool(row)
            pixels[top : top + cell_high, bit * cell_wide : (bit + 1) * cell_wide] = 230 if is_set else 20
    return pixels


def number_in(pixels: "NDArray[numpy.uint8]") -> int:
    """Return the number that an upright picture shows; raises AssertionError if it is not readable."""
    height, width = pixels.shape[:2]
    gray = pixels[..., 1] if pixels.ndim == 3 else pixels
    numbers: list[int] = []
    for row in range(_CELLS_HIGH):
        middle = int(height - (row + 0.5) * height / (4 * _CELLS_HIGH))
        columns = [int((bit + 0.5) * (width // _BITS)) for bit in range(_BITS)]
        numbers.append(sum(int(gray[middle, column] > 125) << bit for bit, column in enumerate(columns)))
    assert numbers[0] ^ numbers[1] == (1 << _BITS) - 1, "the picture shows no number"
    return numbers[0]


def write_video(path: Path, sample: VideoSample) -> Path:
    """Encode a sample; its sound, if it has some, is a tone of 440 Hz."""
    with av.open(str(path), "w", format=sample.format) as container:
        stream = container.add_stream(sample.codec, rate=30)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = sample.size
        stream.pix_fmt = sample.pixel_format
        stream.codec_context.time_base = sample.base
        stream.codec_context.gop_size = sample.key_frame_every
        if sample.codec.startswith("libx26"):
            stream.codec_context.options = {"preset": "ultrafast", "bf": "2", "x265-params": "log-level=none"}
        sound = None
        if sample.sound_start is not None:
            sound = container.add_stream("aac", rate=RATE, layout="stereo")
            assert isinstance(sound, AudioStream)
        titles = container.add_stream("mov_text" if path.suffix == ".mp4" else "subrip") if sample.subtitles else None
        if isinstance(titles, SubtitleStream):
            titles.codec_context.subtitle_header = SUBTITLE_STYLE
        for number in range(sample.frames):
            pixels = numbered_picture(number, sample.size)
            if sample.picture is not None:
                sample.picture(number, pixels)
            frame = av.VideoFrame.from_ndarray(pixels, format="gray").reformat(format=sample.pixel_format)
            frame.pts, frame.time_base = sample.pts(number), sample.base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None and sample.sound_start is not None:
            for frame in tone_frames(sample.sound_seconds, sample.sound_start, RATE):
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
        if titles is not None:
            for start, end, text in sample.subtitles:
                data = text.encode()
                packet = av.Packet(struct.pack(">H", len(data)) + data if path.suffix == ".mp4" else data)
                packet.stream = titles
                packet.time_base = Fraction(1, 1000)
                packet.pts = packet.dts = round(start * 1000)
                packet.duration = round((end - start) * 1000)
                container.mux(packet)
    return path


def tone_frames(
    seconds: float, start: float, rate: int, hole: tuple[float, float] | None = None
) -> "Iterator[av.AudioFrame]":
    """Yield a tone of 440 Hz in stereo from ``start``; ``hole`` leaves out a stretch (time in the tone, length)."""
    at = 0
    while at < seconds * rate:
        count = min(1024, int(seconds * rate) - at)
        wave = (0.3 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(at, at + count) / rate)).astype(numpy.float32)
        frame = av.AudioFrame.from_ndarray(numpy.stack([wave, wave]), format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        skipped = hole[1] if hole and at >= hole[0] * rate else 0.0
        frame.pts = at + round((start + skipped) * rate)
        at += count
        yield frame


def write_sound(
    path: Path,
    samples: "NDArray[numpy.float32]",
    rate: int = 16_000,
    codec: str = "pcm_s16le",
    tags: dict[str, str] | None = None,
) -> Path:
    """Encode mono samples."""
    with av.open(str(path), "w") as container:
        container.metadata.update(tags or {})
        stream = container.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, AudioStream)
        for at in range(0, len(samples), 1024):
            frame = av.AudioFrame.from_ndarray(samples[None, at : at + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_tone(
    path: Path,
    seconds: float,
    *,
    codec: str,
    rate: int = RATE,
    start: float = 0.0,
    hole: tuple[float, float] | None = None,
) -> Path:
    """Encode a stereo tone of 440 Hz that begins at ``start``."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        assert isinstance(stream, AudioStream)
        for frame in tone_frames(seconds, start, rate, hole):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turned(source: Path, target: Path, clockwise: int) -> Path:
    """Write the display matrix of a rotation into the first track of an MP4 file, without encoding it again."""
    data = bytearray(source.read_bytes())
    box = data.index(b"tkhd")
    one, minus = 0x00010000, 0xFFFF0000
    matrix = {
        90: (0, one, 0, minus, 0, 0),
        180: (minus, 0, 0, 0, minus, 0),
        270: (0, minus, 0, one, 0, 0),
    }[clockwise]
    at = box + 4 + (40 if data[box + 4] == 0 else 52)  # two versions of the box
    data[at : at + 36] = struct.pack(">9I", *matrix, 0, 0, 0x40000000)
    target.write_bytes(data)
    return target


def trimmed(source: Path, target: Path, ticks: int) -> Path:
    """Let the edit list of the first track of an MP4 file begin later by ``ticks`` of the track's time base."""
    data = bytearray(source.read_bytes())
    at = data.index(b"elst") + 4
    assert data[at] == 0, "another version of the box"
    (begin,) = struct.unpack_from(">i", data, at + 12)
    struct.pack_into(">i", data, at + 12, begin + ticks)
    target.write_bytes(data)
    return target


@contextmanager
def opened(path: Path, kind: MediaKind = "video", format: str = "mov") -> Generator[OpenFile]:
    """Open a file as the opening of the project would."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size = path.stat().st_size
        yield OpenFile(name=path.name, fd=descriptor, size=size, sha256="0" * 64, kind=kind, format=format)
    finally:
        os.close(descriptor)
