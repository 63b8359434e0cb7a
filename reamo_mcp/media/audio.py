"""Sound of recordings and videos as mono float32 at 16 kHz, streamed in constant memory.

Sample ``n`` of a stream stands at ``n / 16000`` seconds of the container's clock: holes in the timestamps are filled
with silence, overlaps are cut, drift below a tenth of a second is left alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from reamo_mcp.errors import CorruptMedia, UnsupportedFormat
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.container import SEEKS_EXACTLY, STATES_DURATION, Opened, opened_container, packets_of, seek
from reamo_mcp.media.decoded import SAMPLE_RATE, OpenFile, Outcome, SoundWindow, StreamEnd
from reamo_mcp.settings import Limits
from reamo_mcp.types.coverage import NotRead
from reamo_mcp.types.extraction import Notice

if TYPE_CHECKING:
    import numpy
    from av import AudioResampler
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from numpy.typing import NDArray

WINDOW_SECONDS = 30
_SLACK = SAMPLE_RATE // 10  # samples that timestamps may be off before silence is filled in or samples are cut
_JUMP = SAMPLE_RATE  # samples that timestamps jump back: another recording was joined on
_SHORT = Fraction(1, 2)  # seconds that may be missing at the end
_RUN_UP = 1  # seconds decoded before the wanted start, so that the codec has settled


@dataclass
class _Windows:
    """Samples on their way into windows. ``position`` is the sample of the clock that comes next."""

    first: int  # samples before it are dropped
    last: int | None  # samples from it on are dropped
    position: int | None = None
    _start: int = 0
    _filled: int = 0
    _samples: "NDArray[numpy.float32] | None" = field(default=None)

    @property
    def is_full(self) -> bool:
        """Whether the wanted end was reached."""
        return self.last is not None and self.position is not None and self.position >= self.last

    def add(self, samples: "NDArray[numpy.float32]") -> "Iterator[SoundWindow]":
        """Put samples at the position, and yield the windows they fill."""
        import numpy

        assert self.position is not None
        begin = max(0, self.first - self.position)
        end = len(samples) if self.last is None else max(0, min(len(samples), self.last - self.position))
        at = self.position + begin
        self.position += len(samples)
        wanted = samples[begin:end]
        while len(wanted):
            if self._samples is None:
                self._samples = numpy.empty(WINDOW_SECONDS * SAMPLE_RATE, numpy.float32)
                self._start, self._filled = at, 0
            part = wanted[: len(self._samples) - self._filled]
            self._samples[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            at += len(part)
            wanted = wanted[len(part) :]
            if self._filled == len(self._samples):
                yield from self.rest()

    def silence(self, count: int) -> "Iterator[SoundWindow]":
        """Put silence at the position, piece by piece."""
        import numpy

        for done in range(0, count, SAMPLE_RATE):
            if self.is_full:
                return
            yield from self.add(numpy.zeros(min(SAMPLE_RATE, count - done), numpy.float32))

    def rest(self) -> "Iterator[SoundWindow]":
        """Yield what has not been handed out yet."""
        if self._samples is not None and self._filled:
            samples = self._samples[: self._filled]
            self._samples = None
            yield SoundWindow(self._start / SAMPLE_RATE, samples)


@dataclass
class _Damage:
    """What went wrong while decoding."""

    packets: int = 0
    jumped: bool = False


def sound_windows(
    file: OpenFile, seconds: tuple[float, float] | None, limits: Limits, outcome: Outcome, control: Control
) -> Iterator[SoundWindow]:
    """Yield the sound in windows of 30 s without overlap, the last one shorter, and fill the outcome at its end.

    ``seconds`` is the wanted stretch of the container's clock. ``outcome.end.read`` is the time up to which sound was
    decoded. Raises CorruptMedia if there is no sound that can be decoded, UnsupportedFormat if it cannot be mixed.
    """
    from av.error import FFmpegError

    with opened_container(file, limits) as opened:
        stream = opened.sound
        if stream is None:
            raise CorruptMedia(f"{file.name} has no sound that can be decoded", "Give a file with sound")
        wanted = (0.0, limits.most_seconds) if seconds is None else seconds
        begin = max(0.0, wanted[0])
        limit = begin + limits.most_seconds
        end = min(wanted[1], limit)
        windows = _Windows(round(begin * SAMPLE_RATE), round(end * SAMPLE_RATE))
        damage = _Damage()
        if begin > _RUN_UP and file.format in SEEKS_EXACTLY:
            seek(opened, stream, Fraction(begin) - _RUN_UP)
        try:
            yield from _filled(opened, stream, windows, damage, control)
        except FFmpegError:  # of the resampler: 33 channels, for one, have no known places
            raise UnsupportedFormat(
                f"the sound of {file.name} has channels that cannot be mixed into one", "Convert it to mono or stereo"
            ) from None
        yield from windows.rest()
        if windows.position is None and damage.packets:
            raise CorruptMedia(f"no sound of {file.name} could be decoded", "Check that the file plays elsewhere")
        wants_more = seconds is None or seconds[1] > limit
        outcome.end = _end(opened, windows, damage, begin, end, wants_more, file)


def _filled(
    opened: Opened, stream: "AudioStream", windows: _Windows, damage: _Damage, control: Control
) -> Iterator[SoundWindow]:
    from av.audio.frame import AudioFrame
    from av.error import FFmpegError

    resampler = _resampler()
    layout: tuple[int, str, str] | None = None
    expected = 0.0  # sample of the clock at which the next frame should stand; the position lags behind it
    scale = float(stream.time_base * SAMPLE_RATE) if stream.time_base is not None else None
    origin = float(opened.origin * SAMPLE_RATE)
    total = float(opened.duration)
    for packet in packets_of(opened, stream):
        control.check()
        try:
            frames = [frame for frame in packet.decode() if isinstance(frame, AudioFrame)]
        except (FFmpegError, ValueError):
            damage.packets += 1
            continue
        for frame in frames:
            shape = (frame.sample_rate, frame.layout.name, frame.format.name)
            if shape != layout and layout is not None:  # the rate or the layout changes mid-stream
                yield from _resampled(resampler, None, windows)
                resampler = _resampler()
            layout = shape
            if frame.pts is not None and scale is not None:  # frames count in the base of their stream
                at = round(frame.pts * scale - origin)
                if windows.position is None:
                    windows.position, expected = at, at
                ahead = at - expected
                if ahead < -_JUMP:
                    damage.jumped = True
                    return
                if ahead > _SLACK:
                    yield from _resampled(resampler, None, windows)
                    resampler = _resampler()
                    yield from windows.silence(at - windows.position)
                    expected = at
                elif ahead < -_SLACK:
                    continue  # this stretch was heard already
            elif windows.position is None:
                windows.position = 0
            frame.pts = None  # the resampler shall not invent samples of its own
            expected += frame.samples * SAMPLE_RATE / frame.sample_rate
            yield from _resampled(resampler, frame, windows)
        if windows.is_full:
            return
        if windows.position is not None:
            control.progress(windows.position / SAMPLE_RATE, total, "seconds")
    if windows.position is not None:
        yield from _resampled(resampler, None, windows)


def _resampler() -> "AudioResampler":
    """Return a resampler that hands out a quarter of a second at once: frames may be a hundred times shorter."""
    from av import AudioResampler

    return AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE, frame_size=SAMPLE_RATE // 4)


def _resampled(resampler: "AudioResampler", frame: "AudioFrame | None", windows: _Windows) -> Iterator[SoundWindow]:
    import numpy

    for resampled in resampler.resample(frame):  # one plane: it is looked at, where to_ndarray would copy it
        yield from windows.add(numpy.frombuffer(memoryview(resampled.planes[0]), numpy.float32, resampled.samples))


def _end(
    opened: Opened, windows: _Windows, damage: _Damage, begin: float, end: float, wants_more: bool, file: OpenFile
) -> StreamEnd:
    promised = float(opened.duration)
    reached = min(end, (windows.position or 0) / SAMPLE_RATE)
    not_read: list[NotRead] = []
    notices: list[Notice] = []
    if damage.jumped:
        message = f"the timestamps of {file.name} jump back at {reached:.1f} s: only what comes before is read"
        notices.append(Notice(code="discontinuity", message=message))
        not_read.append(_unread(reached, max(promised, reached), "the clock of the file jumps back"))
    elif windows.is_full:
        if wants_more and promised > end + 0.001:
            not_read.append(_unread(end, promised, "the limit on decoded seconds (REAMO_MOST_SECONDS)"))
    elif file.format in STATES_DURATION and min(promised, end) - reached > _SHORT and _sound_should_last(opened):
        notices.append(Notice(code="truncated", message=f"{file.name} ends at {reached:.1f} s, before its header says"))
        not_read.append(_unread(reached, min(promised, end), "the file ends before its header says"))
    if damage.packets:
        notices.append(Notice(code="damaged", message=f"some sound of {file.name} is damaged and was read as silence"))
    return StreamEnd(max(begin, reached), tuple(not_read), tuple(notices))


def _sound_should_last(opened: Opened) -> bool:
    """Whether the header promises this duration for the sound itself: sound may well end before the pictures."""
    sound = opened.sound
    if sound is None or opened.pictures is None:
        return True
    if sound.duration is None or sound.time_base is None:
        return False
    return sound.duration * sound.time_base >= opened.duration - _SHORT


def _unread(start: float, end: float, reason: str) -> NotRead:
    return NotRead(unit="seconds", start=start, end=end, reason=reason)
