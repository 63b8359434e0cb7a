"""The proof in motion: the moment of a recording or video as a small file that any player opens.

The decoder reads the file, as always in its own process; moviepy, of the extra `render`, only puts the pixels and
samples together again and has them written.
"""

import tempfile
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from reamo_mcp.errors import CorruptMedia, ModelUnavailable, TooLarge
from reamo_mcp.evidence.picture import framed
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE, FramePlan, OpenFile, Outcome
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.types.grounding import AudioSegment, Box, Grounding, VideoSegment, VideoTrack
from reamo_mcp.types.media import MediaKind

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_Written: TypeAlias = Any  # a clip of moviepy, which has no types and may not be installed

MOST_BYTES = 700_000
"""Bytes of one clip: below a megabyte once it is written in base 64, which clients refuse."""

_AROUND = 1.0  # seconds shown before and after the moment
_LONGEST = 15.0
_RATE = 8  # pictures a second
_EFFORTS = ((480, 30), (320, 36), (240, 42))  # longest side in pixels, and the encoder's loss
_SOUND_RATE = "64k"


def clips_can_be_made() -> bool:
    """Tell whether moviepy is installed."""
    return find_spec("moviepy") is not None


def is_moment(place: Grounding) -> bool:
    """Tell whether a place is a stretch of time."""
    return isinstance(place, AudioSegment | VideoSegment | VideoTrack)


def clip_of(place: Grounding, kind: MediaKind, file: OpenFile, decoder: Decoder, control: Control) -> bytes | None:
    """Return the moment with a second around it, at most 15 seconds: MP4 of a video, MP3 of a recording.

    None for a place that is no moment. A thing that was followed is framed. Raises ModelUnavailable without moviepy,
    TooLarge for a moment that no effort makes small, and what the decoder raises.
    """
    if not isinstance(place, AudioSegment | VideoSegment | VideoTrack) or kind not in ("audio", "video"):
        return None
    if not clips_can_be_made():
        raise ModelUnavailable("clips are made by moviepy, which is not installed", "pip install 'reamo-mcp[render]'")
    start = max(0.0, place.start - _AROUND)
    end = min(max(place.end, place.start + 0.1) + _AROUND, start + _LONGEST)
    with tempfile.TemporaryDirectory(prefix="reamo-clip-") as folder:
        heard = kind == "audio" or decoder.describe(file, control).has_sound
        sound = _sound(file, start, end, decoder, control) if heard else None
        if kind == "audio":
            if sound is None:
                raise CorruptMedia(f"{file.name} has no sound at {place.start:.2f} s", "Ask for the quote instead")
            path = Path(folder) / "clip.mp3"
            sound.write_audiofile(str(path), fps=SAMPLE_RATE, codec="libmp3lame", bitrate=_SOUND_RATE, logger=None)
            return path.read_bytes()
        for side, loss in _EFFORTS:
            control.check()
            shown = _Shown(place, file, (start, end), side, decoder, control)
            content = _film(shown, end - start, loss, sound, Path(folder), control)
            if len(content) <= MOST_BYTES:
                return content
    raise TooLarge(f"the moment at {place.start:.2f} s makes no small clip", "Ask for a picture of it instead")


class _Shown:
    """The pictures of a moment by their time."""

    def __init__(
        self,
        place: VideoTrack | VideoSegment | AudioSegment,
        file: OpenFile,
        seconds: tuple[float, float],
        side: int,
        decoder: Decoder,
        control: Control,
    ) -> None:
        self._start = seconds[0]
        self._times: list[float] = []
        self._pictures: list[NDArray[numpy.uint8]] = []
        plan = FramePlan(
            step=1 / _RATE,
            start=seconds[0],
            end=seconds[1],
            longest_side=side,
            most=int(_LONGEST * _RATE) + 1,
            shots=False,
        )
        for frame in decoder.frames(file, plan, Outcome(), control):
            self._times.append(frame.time)
            self._pictures.append(_even(framed(frame.picture, _boxes(place, frame.time))))
        if not self._pictures:
            raise CorruptMedia(f"{file.name} shows no frame at {place.start:.2f} s", "Ask for the quote instead")

    def at(self, time: float) -> "NDArray[numpy.uint8]":
        """Return the picture that is shown so many seconds after the start."""
        shown = 0
        while shown + 1 < len(self._times) and self._times[shown + 1] <= self._start + time:
            shown += 1
        return self._pictures[shown]


def _boxes(place: VideoTrack | VideoSegment | AudioSegment, time: float) -> Sequence[Box]:
    # Between the frames in which a thing was really seen, the nearest of them speaks for it.
    if not isinstance(place, VideoTrack) or not place.start - 1 / _RATE <= time < max(place.end, place.start + 0.1):
        return ()
    return min(place.keyframes, key=lambda keyframe: abs(keyframe.time - time)).parts


def _even(pixels: "NDArray[numpy.uint8]") -> "NDArray[numpy.uint8]":
    # The encoder halves the colours, which takes an even number of pixels each way.
    import numpy

    high, wide = pixels.shape[:2]
    return numpy.pad(pixels, ((0, high % 2), (0, wide % 2), (0, 0)), mode="edge")


def _sound(file: OpenFile, start: float, end: float, decoder: Decoder, control: Control) -> _Written | None:
    import numpy

    samples = numpy.zeros(
        (round((end - start) * SAMPLE_RATE), 2), numpy.float32
    )  # of one channel moviepy makes twice the time
    heard = False
    for window in decoder.sound(file, (start, end), Outcome(), control):
        first = round((window.start - start) * SAMPLE_RATE)
        own = window.samples[max(0, -first) :][: max(0, len(samples) - max(0, first))]
        samples[max(0, first) :][: len(own)] = own[:, None]
        heard = heard or len(own) > 0
    return import_module("moviepy.audio.AudioClip").AudioArrayClip(samples, fps=SAMPLE_RATE) if heard else None


def _film(shown: _Shown, seconds: float, loss: int, sound: _Written | None, folder: Path, control: Control) -> bytes:
    def picture(time: float) -> "NDArray[numpy.uint8]":
        control.check()
        return shown.at(time)

    clip: _Written = import_module("moviepy").VideoClip(picture, duration=seconds)
    path = folder / "clip.mp4"
    (clip if sound is None else clip.with_audio(sound)).write_videofile(
        str(path),
        fps=_RATE,
        codec="libx264",
        preset="veryfast",
        audio_codec="aac",
        audio_bitrate=_SOUND_RATE,
        audio_fps=SAMPLE_RATE,
        temp_audiofile_path=str(folder),
        threads=1,
        ffmpeg_params=["-crf", str(loss), "-movflags", "+faststart"],
        logger=None,
    )
    return path.read_bytes()
