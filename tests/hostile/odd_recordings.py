"""Rows of recordings and videos that are right but odd, or carry far more than what is read of them."""

# The stubs of av leave the parameters of its packets and streams open:
# pyright: reportUnknownMemberType=false

import struct
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy
from av.audio.stream import AudioStream
from av.stream import Disposition
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tests.hostile.pictures import encoded
from tests.hostile.recordings import made, video
from tests.hostile.rows import Ground, Row, file
from tests.media_samples import SUBTITLE_STYLE, VideoSample, trimmed, turned, write_sound, write_tone, write_video

_SECOND = 16_000


def long_mp3(seconds: int) -> bytes:
    """Return a silent MP3 of any length: the frames of ten seconds over and over."""

    def write(path: Path) -> None:
        with av.open(str(path), "w", options={"write_xing": "0", "id3v2_version": "0"}) as container:
            stream = container.add_stream("libmp3lame", rate=_SECOND, layout="mono")
            assert isinstance(stream, AudioStream)
            stream.bit_rate = 8000
            frame = av.AudioFrame.from_ndarray(
                numpy.zeros((1, 10 * _SECOND), numpy.int16), format="s16p", layout="mono"
            )
            frame.sample_rate, frame.pts = _SECOND, 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))

    return made(".mp3", write) * (seconds // 10)


def loaded_video(
    subtitle: str = "", attachment: int = 0, chapters: int = 0, suffix: str = ".mkv"
) -> Callable[[Ground], bytes]:
    """Return a short video that carries a subtitle of this text, an attached file of this size, so many chapters."""

    def write(path: Path) -> None:
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=30)
            assert isinstance(stream, VideoStream)
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            titles = container.add_stream("subrip") if subtitle else None
            if isinstance(titles, SubtitleStream):
                titles.codec_context.subtitle_header = SUBTITLE_STYLE
            if attachment:
                container.add_attachment("font.ttf", "application/x-truetype-font", bytes(attachment))
            if chapters:
                container.set_chapters(
                    [
                        {
                            "id": number,
                            "start": number,
                            "end": number + 1,
                            "time_base": Fraction(1, 1_000_000),
                            "metadata": {"title": f"chapter {number}"},
                        }
                        for number in range(chapters)
                    ]
                )
            for number in range(30):
                frame = av.VideoFrame.from_ndarray(numpy.full((64, 96), 90, numpy.uint8), format="gray")
                frame = frame.reformat(format="yuv420p")
                frame.pts = number
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
            if titles is not None:
                packet = av.Packet(subtitle.encode())
                packet.stream, packet.time_base = titles, Fraction(1, 1000)
                packet.pts = packet.dts = 0
                packet.duration = 900
                container.mux(packet)

    return lambda _: made(suffix, write)


def _with_cover(path: Path) -> None:
    with av.open(str(path), "w") as container:
        sound = container.add_stream("libmp3lame", rate=_SECOND, layout="mono")
        cover = container.add_stream("mjpeg")
        assert isinstance(sound, AudioStream)
        assert isinstance(cover, VideoStream)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        packet = av.Packet(encoded("JPEG", (64, 64)))
        packet.stream, packet.pts, packet.dts, packet.time_base = cover, 0, 0, Fraction(1, 1000)
        container.start_encoding()
        container.mux(packet)
        frame = av.AudioFrame.from_ndarray(numpy.zeros((1, _SECOND), numpy.int16), format="s16p", layout="mono")
        frame.sample_rate, frame.pts = _SECOND, 0
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


def _surround(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=48_000, layout="7.1")
        assert isinstance(stream, AudioStream)
        frame = av.AudioFrame.from_ndarray(numpy.zeros((1, 8 * 4096), numpy.int16), format="s16", layout="7.1")
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _sound(samples: "NDArray[numpy.float32]", rate: int = _SECOND) -> Callable[[Ground], bytes]:
    return lambda _: made(".wav", lambda path: write_sound(path, samples, rate))


def _noise() -> "NDArray[numpy.float32]":
    return numpy.random.default_rng(3).normal(0, 0.1, 10 * _SECOND).astype(numpy.float32)


def _music() -> "NDArray[numpy.float32]":
    time = numpy.arange(10 * _SECOND) / _SECOND
    chord = sum(numpy.sin(2 * numpy.pi * pitch * time) for pitch in (220.0, 277.2, 329.6))
    return (0.1 * chord * (1 - time % 0.5)).astype(numpy.float32)


def _film(sample: VideoSample, suffix: str = ".mp4") -> Callable[[Ground], bytes]:
    return lambda _: made(suffix, lambda path: write_video(path, sample))


def _turned(clockwise: int) -> Callable[[Ground], bytes]:
    def write(path: Path) -> None:
        turned(write_video(path.with_name("flat.mp4"), VideoSample(30, size=(96, 64))), path, clockwise)

    return lambda _: made(".mp4", write)


def _trimmed(path: Path) -> None:
    trimmed(write_video(path.with_name("whole.mp4"), VideoSample(60, size=(96, 64))), path, 15_000)


def _lying_track_length(_: Ground) -> bytes:
    data = bytearray(video())
    at = data.index(b"mvhd")
    data[at + 20 : at + 24] = struct.pack(">I", 0xFFFFFFF0)
    return bytes(data)


def odd_recording_rows() -> Iterable[Row]:
    """Return the further rows 24 to 29c."""
    ok = "ok partial"
    yield file("24", "claims_4_million_s.mp4", ok, _lying_track_length)
    yield file("25", "noise.wav", ok, _sound(_noise()))
    yield file("25", "music.wav", ok, _sound(_music()))
    yield file("26", "uneven_times.mp4", ok, _film(VideoSample(12, pts=lambda n: n * n, size=(96, 64))))
    yield file("26", "starts_late.ts", ok, _film(VideoSample(30, pts=lambda n: n + 300, size=(96, 64)), ".ts"))
    yield file("26", "edit_list.mp4", ok, lambda _: made(".mp4", _trimmed))
    yield file("26", "ten_bits.mp4", ok, _film(VideoSample(30, pixel_format="yuv420p10le", size=(96, 64))))
    for clockwise in (90, 180, 270):
        yield file("26", f"turned_{clockwise}.mp4", ok, _turned(clockwise))
    yield file("27", "no_sound.mp4", ok, lambda _: video())
    yield file("27", "no_picture.mp4", ok, lambda _: made(".mp4", lambda path: write_tone(path, 1, codec="aac")))
    yield file("27", "cover.mp3", ok, lambda _: made(".mp3", _with_cover))
    # An honest video below the limit on pixels: several pictures of 50 MB are decoded at once.
    large = file("27", "8k.mp4", "ok partial", _film(VideoSample(4, size=(7680, 4320))), bomb=True)
    yield replace(large, most_memory=600 << 20)
    for size in ((1, 1), (17, 33)):
        name = f"{size[0]}x{size[1]}.mkv"
        yield file("27", name, ok, _film(VideoSample(5, size=size, codec="ffv1", pixel_format="gray"), ".mkv"))
    yield file("27", "rate_8000.wav", ok, _sound(_noise()[:8000], 8000))
    yield file("27", "rate_192000.wav", ok, _sound(_noise(), 192_000))
    yield file("27", "eight_channels.flac", ok, lambda _: made(".flac", _surround))
    yield file("29", "attached_32mb.mkv", ok, loaded_video(attachment=32 << 20), bomb=True)
    yield file("29", "subtitle_8mb.mkv", ok, loaded_video("Alice " * ((8 << 20) // 6)), bomb=True)
    yield file("29", "subtitle_64mb.mkv", ok, loaded_video("Alice " * ((64 << 20) // 6)), big=True, bomb=True)
    yield file("29", "chapters_100000.mkv", ok, loaded_video(chapters=100_000), bomb=True)
    yield file("29c", "ten_hours.mp3", "partial", lambda _: long_mp3(36_000), big=True, bomb=True)
