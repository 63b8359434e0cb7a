"""One thing followed through a video: where it was in which frames, and what was read there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from reamo_mcp.models.roles import Line, Region
from reamo_mcp.types.grounding import Box, Keyframe, TimeSpan
from reamo_mcp.types.reading import AtTrack

if TYPE_CHECKING:
    from reamo_mcp.reading.frame_view import Patch

Thing = Line | Region
"""What is seen in one frame: a line of text, or what a detector found."""

_MOST_POINTS = 48  # of one track; longer ones are thinned on a grid of frames that all tracks share
_MOST_VERSIONS = 12  # different readings of one line that are kept
_SMOOTHING = 0.5  # weight of the newest step in the velocity
_MOVED = 0.95  # overlap below which a thing has moved


class Moment(NamedTuple):
    """When a frame is shown, and whether it begins a shot."""

    time: float
    until: float
    cut: bool = False


@dataclass(frozen=True)
class Point:
    """A frame in which a track was seen: its number among those looked at, its time, and what was seen."""

    look: int
    time: float
    thing: Thing


@dataclass
class _Version:
    """One reading of a line: the confidence of all frames that agree on it, and the best of them."""

    weight: float
    best: Line


@dataclass
class Track:
    """What is known of one thing so far. ``order`` is the time of its first frame and its place among the things there.

    ``last_look`` is the number of the last frame in which it was in sight. Points are thinned, so that a thing that
    stays for an hour costs no more than one that stays for a minute.
    """

    order: tuple[float, int]
    points: list[Point] = field(default_factory=list[Point])
    observed: list[TimeSpan] = field(default_factory=list[TimeSpan])
    visible: list[TimeSpan] = field(default_factory=list[TimeSpan])
    end: float = 0.0
    last_look: int = -1
    patch: "Patch | None" = None
    score: float = 0.0
    times_found: int = 0
    _held: float | None = None  # time of the last frame that equals the one of the last point
    _velocity: tuple[float, float] = (0.0, 0.0)  # of its centre, in units of the original a second
    _versions: dict[str, _Version] = field(default_factory=dict[str, _Version])
    _stride: int = 1

    @property
    def thing(self) -> Thing:
        """What was seen last."""
        return self.points[-1].thing

    @property
    def line(self) -> Line | None:
        """The reading that most frames agree on, weighted by their confidence; None for what is no text."""
        if not self._versions:
            return None
        return max(self._versions.values(), key=lambda version: (version.weight, version.best.confidence)).best

    def guess(self, time: float) -> Box:
        """Return where it is by now if it keeps its velocity."""
        box, passed = self.thing.box, time - self._since
        x, y = box.x + passed * self._velocity[0], box.y + passed * self._velocity[1]
        return Box(x=x, y=y, width=box.width, height=box.height)

    def found(self, look: int, moment: Moment, thing: Thing, patch: "Patch | None", unbroken: bool) -> None:
        """Take in a frame in which a reader or detector found it; ``unbroken``: no hole in the frames lies before."""
        if self.points:
            before, passed = self.thing.box, moment.time - self._since
            if self._held is not None and before.intersection_over_union(thing.box) < _MOVED:
                self._append(Point(self.last_look, self._held, self.thing))
            if passed > 0:
                self._steer(before, thing.box, passed)
        self._held = None
        self._append(Point(look, moment.time, thing))
        self.patch = patch
        self.times_found += 1
        self.score = max(self.score, thing.confidence if isinstance(thing, Line) else thing.score)
        if isinstance(thing, Line):
            self._vote(thing)
        self.stayed(look, moment, unbroken)

    def held(self, look: int, moment: Moment, unbroken: bool) -> None:
        """Take in a frame that equals the one of the last point."""
        self._held = moment.time
        self._velocity = (0.0, 0.0)
        self.stayed(look, moment, unbroken)

    def stayed(self, look: int, moment: Moment, unbroken: bool) -> None:
        """Take in a frame in which it is in sight, without a new point."""
        unbroken = unbroken and bool(self.observed)
        _extend(self.observed, moment, unbroken)
        _extend(self.visible, moment, unbroken and self.last_look == look - 1)
        self.end = moment.until
        self.last_look = look

    def place(self, boxes: Sequence[Box] | None = None) -> AtTrack:
        """Return when and where it was; ``boxes``, one a point, stand in for its own: those of a word of its line."""
        placed = [point.thing.box for point in self.points] if boxes is None else boxes
        return AtTrack(
            start=self.points[0].time,
            end=self.end,
            keyframes=tuple(
                Keyframe(time=point.time, parts=(box,)) for point, box in zip(self.points, placed, strict=True)
            ),
            observed=tuple(self.observed),
            visible=tuple(self.visible),
        )

    @property
    def _since(self) -> float:
        return self.points[-1].time if self._held is None else self._held

    def _steer(self, before: Box, now: Box, passed: float) -> None:
        weight = _SMOOTHING if self.times_found > 1 else 1.0
        across = (now.x + now.width / 2 - before.x - before.width / 2) / passed
        down = (now.y + now.height / 2 - before.y - before.height / 2) / passed
        self._velocity = (
            (1 - weight) * self._velocity[0] + weight * across,
            (1 - weight) * self._velocity[1] + weight * down,
        )

    def _append(self, point: Point) -> None:
        if len(self.points) > 1 and self.points[-1].look % self._stride:
            self.points.pop()  # it was kept as the last one only
        self.points.append(point)
        if len(self.points) > _MOST_POINTS:
            self._stride *= 2
            inner = [one for one in self.points[1:-1] if one.look % self._stride == 0]
            self.points = [self.points[0], *inner, self.points[-1]]

    def _vote(self, line: Line) -> None:
        version = self._versions.get(line.text)
        if version is not None:
            version.weight += line.confidence
            version.best = max(version.best, line, key=lambda one: one.confidence)
            return
        if len(self._versions) >= _MOST_VERSIONS:
            del self._versions[min(self._versions, key=lambda text: self._versions[text].weight)]
        self._versions[line.text] = _Version(line.confidence, line)


def _extend(spans: list[TimeSpan], moment: Moment, is_continued: bool) -> None:
    if is_continued:
        spans[-1] = TimeSpan(start=spans[-1].start, end=max(spans[-1].end, moment.until))
    else:
        spans.append(TimeSpan(start=moment.time, end=moment.until))
