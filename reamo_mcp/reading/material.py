"""The media of a document as a reasoner and its modules see them: pixels and samples, decoded when asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE, Frame, FramePlan, OpenFile, Outcome, Picture
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.models.asks import Capacity, Sound, VideoPassage
from reamo_mcp.types.media import Part, VideoMedium


@dataclass(frozen=True)
class Material:
    """The decoder and the opened file of each medium that is a file."""

    decoder: Decoder
    files: Mapping[str, OpenFile]
    part: Part = field(default_factory=Part)

    def picture(self, media_id: str, longest_side: int, control: Control) -> Picture:
        """Return an image. Raises what the decoder raises."""
        return self.decoder.picture(self.files[media_id], longest_side, control)

    def sounds(
        self, media_id: str, seconds: float, control: Control, outcome: Outcome | None = None
    ) -> Iterator[Sound]:
        """Yield the sound of a recording in windows of about this length, without overlap or gap."""
        yield from self._sounds(media_id, self.part.seconds, seconds, control, outcome or Outcome())

    def frames(
        self, media_id: str, step: float, longest_side: int, outcome: Outcome, control: Control
    ) -> Iterator[Frame]:
        """Yield a frame of a video every ``step`` seconds and after each cut; they hold no memory of the decoder."""
        start, end = self.part.seconds or (0.0, None)
        plan = FramePlan(step=step, start=start, end=end, longest_side=longest_side)
        for frame in self.decoder.frames(self.files[media_id], plan, outcome, control):
            yield replace(frame, picture=_kept(frame.picture)) if frame.changed else frame

    def videos(self, medium: VideoMedium, capacity: Capacity, control: Control) -> Iterator[VideoPassage]:
        """Yield a video in stretches that one ask can hold, each with frames at even times and its own sound.

        Short videos are shown with a frame a second; of long ones the frames stand as far apart as one ask has to
        stretch them over the sound that it can hold.
        """
        start, end = self.part.seconds or (0.0, medium.duration)
        long = end - start > capacity.frames
        step = max(1.0, capacity.seconds / capacity.frames) if long else 1.0
        plan = FramePlan(step=step, start=start, end=end, longest_side=capacity.frame_side, shots=False)
        frames = self.decoder.frames(self.files[medium.id], plan, Outcome(), control)
        times: list[float] = []
        pictures: list[Picture] = []
        for time, picture in _evenly(frames, start, step):
            control.check()
            times.append(time)
            pictures.append(picture)
            if len(times) == capacity.frames:
                yield self._with_sound(medium, times, pictures, step, control)
                times, pictures = [], []
        if times:
            yield self._with_sound(medium, times, pictures, step, control)

    def _with_sound(
        self,
        medium: VideoMedium,
        times: list[float],
        pictures: list[Picture],
        step: float,
        control: Control,
    ) -> VideoPassage:
        sound = None
        if medium.has_sound:
            stretch = (times[0], times[-1] + step)
            sound = next(self._sounds(medium.id, stretch, float("inf"), control, Outcome()), None)
        return VideoPassage(medium.id, tuple(times), tuple(pictures), step, sound)

    def _sounds(
        self, media_id: str, stretch: tuple[float, float] | None, seconds: float, control: Control, outcome: Outcome
    ) -> Iterator[Sound]:
        import numpy

        parts: list[numpy.ndarray[tuple[int], numpy.dtype[numpy.float32]]] = []
        start, held = 0.0, 0
        for window in self.decoder.sound(self.files[media_id], stretch, outcome, control):
            control.check()
            if not parts:
                start = window.start
            parts.append(window.samples.copy())
            held += len(window.samples)
            if held + len(window.samples) > seconds * SAMPLE_RATE:
                yield Sound(numpy.concatenate(parts), start)
                parts, held = [], 0
        if parts:
            yield Sound(numpy.concatenate(parts), start)


def _kept(picture: Picture) -> Picture:
    return replace(picture, pixels=picture.pixels.copy())


def _evenly(frames: Iterator[Frame], start: float, step: float) -> Iterator[tuple[float, Picture]]:
    """Yield what is shown at even times; the frames hold no memory of the decoder."""
    shown: Frame | None = None
    picture: Picture | None = None
    wanted = start
    for frame in frames:
        while shown is not None and picture is not None and frame.time > wanted:
            yield wanted, picture
            wanted += step
        if shown is None:
            wanted = max(start, frame.time)
        shown = frame
        picture = _kept(frame.picture)
    while shown is not None and picture is not None and wanted < max(shown.until, shown.time + 1e-6):
        yield wanted, picture
        wanted += step
