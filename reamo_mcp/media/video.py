"""Frames of a video at their true times, upright, in one sequential pass.

The frame for a time is the one shown at that time: the last with a timestamp at or before it. Decoding is sequential,
because a seek per sample costs several times more on ordinary files. Only chosen frames are converted; of all others a
thumbnail of the luma plane is looked at, to find cuts and sudden changes such as a title that appears.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from reamo_mcp.errors import CorruptMedia
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.changes import has_changed, is_cut, is_sudden, thumbnail
from reamo_mcp.media.container import (
    SEEKS_EXACTLY,
    STATES_DURATION,
    Opened,
    opened_container,
    packets_of,
    seek,
    upright_size,
)
from reamo_mcp.media.decoded import Frame, FramePlan, OpenFile, Outcome, Picture, StreamEnd
from reamo_mcp.settings import Limits
from reamo_mcp.types.coverage import NotRead
from reamo_mcp.types.extraction import Notice

if TYPE_CHECKING:
    import numpy
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from reamo_mcp.media.changes import Thumbnail

_SHORT = Fraction(1, 2)  # seconds that may be missing at the end
_APART = Fraction(1, 2)  # seconds between two frames that are looked at because of a change
_JUMP = Fraction(1, 2)  # seconds that timestamps jump back: another video was joined on


@dataclass(frozen=True)
class _Shown:
    """A decoded frame and the time during which it is on the screen."""

    frame: "VideoFrame"
    time: Fraction
    until: Fraction


@dataclass
class _Course:
    """How decoding went so far."""

    reached: Fraction = Fraction(0)
    first: Fraction | None = None
    gap: Fraction = Fraction(0)
    jumped: bool = False
    resized: bool = False
    damaged: bool = False


@dataclass
class _Chooser:
    """Decides which frames are handed out."""

    plan: FramePlan
    next_sample: Fraction
    last_change: Fraction = Fraction(-1000)
    before: "Thumbnail | None" = None

    def reason(self, shown: _Shown, now: "Thumbnail") -> str:
        """Return 'cut', 'change' or 'sample' if the frame is wanted, else an empty text."""
        before, self.before = self.before, now
        step = Fraction(self.plan.step).limit_denominator(1_000_000)
        is_due = self.next_sample < shown.until
        while self.next_sample < shown.until:
            self.next_sample += step
        if before is None:
            self.last_change = shown.time
            return "cut"
        if self.plan.shots and shown.time - self.last_change >= _APART:
            found = "cut" if is_cut(before, now) else "change" if is_sudden(before, now) else ""
            if found:
                self.last_change = shown.time
                return found
        return "sample" if is_due else ""


@dataclass
class _Maker:
    """Turns decoded frames into upright, reduced pictures; keeps the last one that counted as changed."""

    width: int
    height: int
    scale: float
    last: "NDArray[numpy.uint8] | None" = field(default=None)

    def frame(self, shown: _Shown, shot_start: bool) -> Frame:
        """Return the frame, told whether it differs from the last one that did."""
        pixels = self._pixels(shown)
        changed = self._differs(pixels)
        if changed:
            self.last = pixels
        picture = Picture(pixels, self.scale, self.width, self.height)
        return Frame(float(shown.time), float(shown.until), picture, changed=changed, shot_start=shot_start)

    def closing(self, shown: _Shown) -> Frame:
        """Return the last frame before a change."""
        pixels = self._pixels(shown)
        picture = Picture(pixels, self.scale, self.width, self.height)
        return Frame(float(shown.time), float(shown.until), picture, changed=self._differs(pixels), closing=True)

    def _differs(self, pixels: "NDArray[numpy.uint8]") -> bool:
        return self.last is None or has_changed(self.last, pixels)

    def _pixels(self, shown: _Shown) -> "NDArray[numpy.uint8]":
        import numpy

        wide, high = max(1, round(self.width * self.scale)), max(1, round(self.height * self.scale))
        turned = shown.frame.rotation // 90 % 2 == 1
        if turned:
            wide, high = high, wide
        if shown.frame.format.name == "yuv420p":  # scaled first and coloured then, it takes a third of the time
            small = shown.frame.reformat(width=wide, height=high, interpolation="AREA").reformat(format="rgb24")
        else:
            small = shown.frame.reformat(width=wide, height=high, format="rgb24", interpolation="AREA")
        return numpy.ascontiguousarray(numpy.rot90(small.to_ndarray(), shown.frame.rotation // 90), numpy.uint8)


def planned_frames(
    file: OpenFile, plan: FramePlan, limits: Limits, outcome: Outcome, control: Control
) -> Iterator[Frame]:
    """Yield the planned frames in order and fill the outcome at the end.

    Besides the samples, the first frame after a cut or a sudden change is handed out, and the frame before it as a
    closing one, as is the last of all: so it is known exactly when something appeared and until when it was there.
    ``outcome.end.read`` is the end of the last frame that was decoded. Raises CorruptMedia if there are no pictures.
    """
    with opened_container(file, limits) as opened:
        stream = opened.pictures
        if stream is None:
            raise CorruptMedia(f"{file.name} has no pictures that can be decoded", "Give a video")
        start = Fraction(max(0.0, plan.start))
        limit = start + Fraction(limits.most_seconds)
        end = limit if plan.end is None else min(limit, Fraction(plan.end))
        if start > 0 and file.format in SEEKS_EXACTLY:
            seek(opened, stream, start)
        course = _Course()
        most = min(plan.most, limits.most_frames)
        count = 0
        cut_off = False
        for frame in _chosen(_shown(opened, stream, end, course, control), plan, start):
            if count >= most:
                cut_off = True
                course.reached = Fraction(frame.time)
                break
            yield frame
            count += 1
        if course.first is None and start == 0:
            raise CorruptMedia(f"no picture of {file.name} could be decoded", "Check that the file plays elsewhere")
        wants_more = plan.end is None or plan.end > limit
        outcome.end = _end(opened, course, start, end, wants_more, cut_off, file)


def _chosen(shown_frames: Iterator[_Shown], plan: FramePlan, start: Fraction) -> Iterator[Frame]:
    chooser = _Chooser(plan, next_sample=start)
    maker: _Maker | None = None
    before: _Shown | None = None  # the frame before, unless it was handed out
    waiting = ""  # why a damaged frame was wanted: the next whole one stands in for it
    for shown in shown_frames:
        if shown.until <= start:
            continue
        reason = chooser.reason(shown, thumbnail(shown.frame)) or waiting
        waiting = reason if shown.frame.is_corrupt else ""
        if not reason or shown.frame.is_corrupt:
            before = None if shown.frame.is_corrupt else shown
            continue
        if maker is None:
            width, height = upright_size(shown.frame)
            maker = _Maker(width, height, min(1.0, plan.longest_side / max(width, height)))
        if reason in ("cut", "change") and before is not None:
            yield maker.closing(before)
        before = None
        yield maker.frame(shown, shot_start=reason == "cut")
    if plan.shots and maker is not None and before is not None:
        yield maker.closing(before)


def _shown(opened: Opened, stream: "VideoStream", end: Fraction, course: _Course, control: Control) -> Iterator[_Shown]:
    """Yield every frame that is shown before ``end`` with the time it is on the screen."""
    waiting: tuple[VideoFrame, Fraction] | None = None
    size: tuple[int, int] | None = None
    total = float(opened.duration)
    told = -1
    for frame, time in _decoded(opened, stream, course, control):
        size = size or (frame.width, frame.height)
        course.resized = course.resized or (frame.width, frame.height) != size
        if waiting is not None:
            if time < waiting[1] - _JUMP:
                course.jumped = True
                break
            if time <= waiting[1]:
                continue  # shown for no time at all
            course.gap = time - waiting[1]
            yield _Shown(waiting[0], waiting[1], time)
            course.reached = time
        if time >= end:
            return
        waiting = (frame, time)
        if int(time) > told:
            told = int(time)
            control.progress(float(time), total, "seconds")
    if waiting is not None:
        until = waiting[1] + (_duration(waiting[0]) or course.gap or Fraction(1, 25))
        yield _Shown(waiting[0], waiting[1], until)
        course.reached = until


def _decoded(
    opened: Opened, stream: "VideoStream", course: _Course, control: Control
) -> "Iterator[tuple[VideoFrame, Fraction]]":
    from av.error import FFmpegError
    from av.video.frame import VideoFrame

    stream.thread_type = "AUTO"
    for packet in packets_of(opened, stream):
        control.check()
        try:
            frames = [frame for frame in packet.decode() if isinstance(frame, VideoFrame)]
        except (FFmpegError, ValueError):
            course.damaged = True
            continue
        for frame in frames:
            if frame.pts is None or frame.time_base is None:
                continue
            course.damaged = course.damaged or frame.is_corrupt
            time = opened.time(frame.pts, frame.time_base)
            if time < 0:
                continue  # cut away by the edit list, or pre-roll
            if course.first is None:
                course.first = time
            yield frame, time


def _duration(frame: "VideoFrame") -> Fraction:
    return Fraction(0) if frame.time_base is None else (frame.duration or 0) * frame.time_base


def _end(
    opened: Opened,
    course: _Course,
    start: Fraction,
    end: Fraction,
    wants_more: bool,
    cut_off: bool,
    file: OpenFile,
) -> StreamEnd:
    promised = _promised(opened)
    reached = max(start, min(course.reached, end))
    not_read: list[NotRead] = []
    notices: list[Notice] = []
    if cut_off:
        last = float(min(end, max(promised, reached)))
        not_read.append(_unread(float(reached), last, "the limit on frames (REAMO_MOST_FRAMES)"))
    elif course.jumped:
        message = f"the timestamps of {file.name} jump back at {float(reached):.1f} s: only what comes before is read"
        notices.append(Notice(code="discontinuity", message=message))
        last = float(max(promised, reached))
        not_read.append(_unread(float(reached), last, "the clock of the file jumps back"))
    elif reached >= end:
        if wants_more and promised > end:
            reason = "the limit on decoded seconds (REAMO_MOST_SECONDS)"
            not_read.append(_unread(float(end), float(promised), reason))
    elif file.format in STATES_DURATION and min(promised, end) - reached > max(_SHORT, 2 * course.gap):
        message = f"the pictures of {file.name} end at {float(reached):.1f} s, before its header says"
        notices.append(Notice(code="truncated", message=message))
        last = float(min(promised, end))
        not_read.append(_unread(float(reached), last, "the file ends before its header says"))
    if course.resized:
        message = f"the size of the pictures of {file.name} changes: all are read at the size of the first"
        notices.append(Notice(code="discontinuity", message=message))
    if course.damaged:
        message = f"some pictures of {file.name} are damaged: the next whole ones were read in their place"
        notices.append(Notice(code="damaged", message=message))
    if start == 0 and course.first is not None and course.first > _SHORT:
        message = f"the pictures of {file.name} begin at {float(course.first):.1f} s"
        notices.append(Notice(code="pictures_start_late", message=message))
    return StreamEnd(float(reached), tuple(not_read), tuple(notices))


def _promised(opened: Opened) -> Fraction:
    """Return the end of the pictures that the header promises, that of the whole file if it says no more."""
    stream = opened.pictures
    if stream is None or stream.duration is None or stream.time_base is None:
        return Fraction(0) if opened.sound is not None else opened.duration
    return opened.time((stream.start_time or 0) + stream.duration, stream.time_base)


def _unread(start: float, end: float, reason: str) -> NotRead:
    return NotRead(unit="seconds", start=start, end=max(start, end), reason=reason)
