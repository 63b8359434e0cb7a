"""Videos for benchmarks: shots that pan over textures, captions that move and change, and a sound track."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

# The stubs of av leave the parameters of its packets and streams open:
# pyright: reportUnknownMemberType=false

FRAME_RATE = 30
SOUND_RATE = 16_000
SHOT_SECONDS = 6
CAPTIONS = (
    "Nancy Ajram sings in Beirut",
    "Angela Merkel meets Emmanuel Macron in Paris",
    "European Parliament votes in Strasbourg",
    "Ana Costa opens Vela Robotics in Lisbon",
    "Weather: rain in London and Manchester",
)


@dataclass(frozen=True)
class Movie:
    """What the video is like; ``bit_rate`` in bits a second, a caption now and then if ``has_captions``."""

    seconds: int
    size: tuple[int, int] = (1920, 1080)
    bit_rate: int = 6_000_000
    has_captions: bool = True
    sound: "NDArray[numpy.float32] | None" = None  # mono at 16 kHz, repeated to the end


def write_movie(path: Path, movie: Movie) -> Path:
    """Encode it as H.264 with a key frame every 250 frames, and AAC if there is sound."""
    width, height = movie.size
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = movie.bit_rate
        stream.codec_context.gop_size = 250
        stream.codec_context.options = {"preset": "veryfast"}
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="mono") if movie.sound is not None else None
        captions = [_caption(text, height // 20) for text in CAPTIONS]
        texture = _texture(0, movie.size)
        for number in range(movie.seconds * FRAME_RATE):
            shot, step = divmod(number, SHOT_SECONDS * FRAME_RATE)
            if step == 0:
                texture = _texture(shot, movie.size)
            pixels = texture[step // 2 : step // 2 + height, step : step + width].copy()
            if movie.has_captions and FRAME_RATE <= step < (SHOT_SECONDS - 1) * FRAME_RATE:
                _paste(pixels, captions[shot % len(captions)], width // 20 + step, height * 4 // 5)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if movie.sound is not None and isinstance(sound, AudioStream):
            samples = numpy.resize(movie.sound, movie.seconds * SOUND_RATE).astype(numpy.float32)
            for at in range(0, len(samples), 1024):
                part = av.AudioFrame.from_ndarray(samples[None, at : at + 1024], format="fltp", layout="mono")
                part.sample_rate, part.time_base, part.pts = SOUND_RATE, Fraction(1, SOUND_RATE), at
                container.mux(sound.encode(part))
            container.mux(sound.encode(None))
    return path


def _texture(seed: int, size: tuple[int, int]) -> "NDArray[numpy.uint8]":
    """Return coloured clouds with some grain, larger than a frame by what a shot pans over."""
    random = numpy.random.default_rng(seed)
    wide, high = size[0] + SHOT_SECONDS * FRAME_RATE, size[1] + SHOT_SECONDS * FRAME_RATE
    clouds = Image.fromarray(random.integers(30, 220, (9, 16, 3), numpy.uint8)).resize(
        (wide, high), Image.Resampling.BICUBIC
    )
    grain = Image.fromarray(random.integers(0, 40, (high // 4, wide // 4), numpy.uint8)).resize((wide, high))
    return numpy.clip(numpy.asarray(clouds, numpy.int16) + numpy.asarray(grain)[..., None] - 20, 0, 255).astype(
        numpy.uint8
    )


def _caption(text: str, letters: int) -> "NDArray[numpy.uint8]":
    font = ImageFont.load_default(letters)
    left, top, right, bottom = font.getbbox(text)
    picture = Image.new("RGB", (round(right - left) + letters, round(bottom - top) + letters), (10, 20, 60))
    ImageDraw.Draw(picture).text((letters // 2 - left, letters // 2 - top), text, font=font, fill=(250, 250, 250))
    return numpy.asarray(picture, numpy.uint8)


def _paste(pixels: "NDArray[numpy.uint8]", patch: "NDArray[numpy.uint8]", left: int, top: int) -> None:
    room = pixels[top : top + patch.shape[0], left : left + patch.shape[1]]
    room[:] = patch[: room.shape[0], : room.shape[1]]
