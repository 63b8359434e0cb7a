"""Calls about a video, put to a video tracker: the video is followed once, for all of them.

A doubtful track is looked at again where its thing was seen best.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Frame, Outcome, Picture
from reamo_mcp.models.meta_response import MetaCall
from reamo_mcp.models.roles import Confirmer, TrackStep, VideoTracker
from reamo_mcp.models.tracker_state import TrackerState
from reamo_mcp.reading.calls import AskedCall, CallResult, gap_of, result_of
from reamo_mcp.reading.checked_answers import regions_inside
from reamo_mcp.reading.material import Material
from reamo_mcp.reading.second_look import UNSEEN, BestViews, Doubt, SecondLook
from reamo_mcp.reading.setbacks import Gap, setback
from reamo_mcp.reading.track import Moment, Track
from reamo_mcp.types.candidate import CandidateMention
from reamo_mcp.types.grounding import Box, Provenance, TimeSpan
from reamo_mcp.types.media import VideoMedium

STEP = 0.25
"""Seconds between two frames that are followed; more in very long videos."""
_MOST_FRAMES = 16_000  # less than a decoder hands out of one video
_SIDE = 1024  # pixels: what segmenters of today see
_MOST_TRACKS = 64  # of a phrase in one video, the best ones
_WINDOW = 16  # frames that are handed to the tracker together
_LONGEST_HOLE = 1.5  # steps without a frame beyond which the time between was not observed


@dataclass
class _Followed:
    """What was followed so far, by the numbers of the tracker; ``looks`` counts the frames.

    ``views`` are kept for a second look, None where nobody takes one.
    """

    step: float
    views: BestViews | None
    state: TrackerState = field(default_factory=TrackerState)
    tracks: dict[int, Track] = field(default_factory=dict[int, Track])
    phrases: dict[int, str] = field(default_factory=dict[int, str])
    in_sight: tuple[int, ...] = ()
    looks: int = 0
    latest: float | None = None

    def take(self, moment: Moment, step: TrackStep, picture: Picture) -> None:
        """Take in what is in sight in a frame."""
        unbroken = self._next(moment)
        in_sight: list[int] = []
        for index, one in enumerate(step.regions):
            # Tracks keep boxes alone: the outlines of every frame would be megabytes in an answer.
            regions = regions_inside((one.region.model_copy(update={"mask": None}),), picture)
            if not regions:
                continue
            in_sight.append(one.id)
            track = self.tracks.setdefault(one.id, Track(order=(moment.time, index)))
            self.phrases.setdefault(one.id, one.region.type)
            track.found(self.looks, moment, regions[0], None, unbroken)
            if self.views is not None:
                self.views.saw(one.id, one.region, picture)
        self.in_sight = tuple(in_sight)

    def hold(self, moment: Moment) -> None:
        """Take in a frame that equals the last one: what was in sight there still is."""
        unbroken = self._next(moment)
        for number in self.in_sight:
            self.tracks[number].held(self.looks, moment, unbroken)

    def doubt(self, number: int) -> Doubt:
        """Return what a second look at a track is about."""
        view = None if self.views is None else self.views.of(number)
        return Doubt(self.phrases[number], self.tracks[number].score, lambda: view)

    def _next(self, moment: Moment) -> bool:
        """Count a frame; return whether it follows the last one without a hole."""
        before, self.latest = self.latest, moment.time
        self.looks += 1
        return before is not None and moment.time - before <= _LONGEST_HOLE * self.step


def called_in_video(
    calls: Sequence[AskedCall],
    medium: VideoMedium,
    tracker: VideoTracker,
    confirmer: Confirmer | None,
    material: Material,
    control: Control,
) -> Iterator[CallResult]:
    """Yield the result of each call about one video. Raises what ``control.check`` raises."""
    views = None if confirmer is None else BestViews(tracker.card)
    followed = _Followed(max(STEP, medium.duration / _MOST_FRAMES), views)
    outcome = Outcome()
    gap: Gap | None = None
    try:
        phrases = list(dict.fromkeys(asked.call.instruction for asked in calls))
        _follow(followed, phrases, medium, tracker, material, outcome, control)
    except Exception as error:  # what the reasoner said is worth having without the places
        gap = Gap.by(setback(error, f"a video ({tracker.card.name})"))
    gap = gap or gap_of(outcome)

    def choose(rejected: Set[int]) -> list[list[int]]:
        taken: set[int] = set()
        choices: list[list[int]] = []
        for asked in calls:
            own = {
                number: track
                for number, track in followed.tracks.items()
                if followed.phrases[number] == asked.call.instruction and number not in rejected
            }
            choices.append(_best(own) if asked.every else _chosen(own, asked.call, taken))
            taken.update(choices[-1])
        return choices

    look = SecondLook[int](confirmer, tracker.card)
    for asked, numbers in zip(calls, look.choices(choose, followed.doubt, control), strict=True):
        mentions = tuple(_mention(asked, followed.tracks[number], tracker.card.name) for number in numbers)
        is_rejected = any(followed.phrases[one] == asked.call.instruction for one in look.rejected)
        yield result_of(asked, mentions, gap, UNSEEN if is_rejected else "the video tracker does not see it")


def _follow(
    followed: _Followed,
    phrases: Sequence[str],
    medium: VideoMedium,
    tracker: VideoTracker,
    material: Material,
    outcome: Outcome,
    control: Control,
) -> None:
    """Show the tracker the frames that show anything new, some at a time."""
    window: list[Frame] = []
    for frame in material.frames(medium.id, followed.step, _SIDE, outcome, control):
        control.check()
        window.append(frame)
        if sum(one.changed for one in window) == _WINDOW:
            _take(window, followed, phrases, tracker, control)
            control.progress(frame.until, max(medium.duration, frame.until), "seconds")
            window = []
    _take(window, followed, phrases, tracker, control)


def _take(
    window: Sequence[Frame], followed: _Followed, phrases: Sequence[str], tracker: VideoTracker, control: Control
) -> None:
    new = [frame for frame in window if frame.changed]
    steps = iter(tracker.track(new, phrases, followed.state, control) if new else ())
    for frame in window:
        moment = Moment(frame.time, frame.until, frame.shot_start)
        if frame.changed:
            followed.take(moment, next(steps), frame.picture)
        else:
            followed.hold(moment)
    for _ in steps:  # there are no more; but the tracker settles its state after the last one
        pass


def _best(tracks: Mapping[int, Track]) -> list[int]:
    """Return the surest and longest tracks, in the order in which they begin."""
    most = sorted(tracks, key=lambda number: -_weight(tracks[number]))[:_MOST_TRACKS]
    return sorted(most)


def _chosen(tracks: Mapping[int, Track], call: MetaCall, taken: set[int]) -> list[int]:
    """Return the track that the hints point to, else the best that no other call has; the best if all are taken."""
    if not tracks:
        return []
    if call.time is not None:
        shared = {number: _shared(track.visible, *call.time) for number, track in tracks.items()}
        tracks = {number: tracks[number] for number, seconds in shared.items() if seconds > 0} or tracks
    if call.box is not None:
        left, top, right, bottom = call.box
        hint = Box(x=left, y=top, width=max(0.0, right - left), height=max(0.0, bottom - top))
        overlaps = {number: _overlap(track, hint) for number, track in tracks.items()}
        if any(overlaps.values()):
            return [max(overlaps, key=lambda number: overlaps[number])]
    free = [number for number in tracks if number not in taken]
    return [max(free or tracks, key=lambda number: _weight(tracks[number]))]


def _weight(track: Track) -> float:
    return track.score * _length(track.visible)


def _shared(spans: Iterable[TimeSpan], start: float, end: float) -> float:
    return sum(max(0.0, min(span.end, end) - max(span.start, start)) for span in spans)


def _length(spans: Iterable[TimeSpan]) -> float:
    return sum(span.end - span.start for span in spans)


def _overlap(track: Track, hint: Box) -> float:
    return max(point.thing.box.intersection_over_union(hint) for point in track.points)


def _mention(asked: AskedCall, track: Track, model: str) -> CandidateMention:
    return CandidateMention(
        media_id=asked.call.medium,
        place=track.place(),
        score=min(1.0, max(0.0, track.score)),
        score_kind="model",
        provenance=Provenance(model=model, step="locate", call=asked.id),
    )
