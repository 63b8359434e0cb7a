"""A video tracker made of two models: one that finds what phrases refer to, and one that follows what was found.

Frames are worked through in short stretches. What is known of a thing survives a stretch as a picture in which it was
seen well, with its outline there: the next stretch, in this call or a later one, begins with those pictures. So memory
stays the same however long a video is, and a thing that is hidden at a seam is known again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from reamo_mcp.errors import OutOfMemory
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Frame, Picture
from reamo_mcp.models.phrase_detection import PhraseDetector, located
from reamo_mcp.models.phrase_segmenter import LEAST_FIT, box_of, joined_card, mask_of, overlap
from reamo_mcp.models.roles import ModelCard, Region, TrackedRegion, TrackStep
from reamo_mcp.models.tracker_state import FollowedThing, Outline, Remembered, TrackerState
from reamo_mcp.types.grounding import Box

if TYPE_CHECKING:
    from reamo_mcp.media.run_lengths import Pixels

_STRETCH = 16  # frames that are followed in one go
_LOOK_EVERY = 1.0  # seconds after which new things are looked for
_FORGET = 60.0  # seconds out of sight after which a thing is taken for another one
_MOST_THINGS = 32  # followed at one time
_MOST_REMEMBERED = 6  # pictures
_SAME = 0.5  # overlap of boxes from which a find is a thing that is followed already
_ONE_THING = 0.7  # overlap of outlines from which two things of one phrase are one
_WHOLE_ENOUGH = 0.5  # of its largest area; a thing that shows less is remembered as it was before


class Following(Protocol):
    """Follows things from picture to picture, as long as one stretch lasts. Raises OutOfMemory and EngineFailed.

    Masks are of the size of the picture's pixels.
    """

    def show(self, picture: Picture) -> "Mapping[int, Pixels]":
        """Go on to a picture; return where the things are that are in sight there."""
        ...

    def seed(self, picture: Picture, things: "Mapping[int, Box | Pixels]") -> "Mapping[int, Pixels]":
        """Begin to follow things of the picture shown last, given by boxes (of the original's units) or masks."""
        ...


class Follower(Protocol):
    """Follows things of any kind."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    def begin(self) -> Following:
        """Return a new stretch."""
        ...


@dataclass
class _Known:
    """A thing of a stretch: what is known of it, and the frame in which it was seen best and last."""

    thing: FollowedThing
    best: int = -1
    last: int = -1
    sights: "dict[int, Pixels]" = field(default_factory=dict[int, "Pixels"])

    def saw(self, at: int, pixels: "Pixels") -> None:
        """Take in where it is in a frame."""
        if self.best < 0 or pixels.sum() >= self.sights[self.best].sum():
            self.best = at
        self.last = at
        self.sights = {number: one for number, one in self.sights.items() if number == self.best}
        self.sights[at] = pixels

    def remembered_at(self) -> int | None:
        """Return the frame in which it is best remembered, None if it was not in sight in this stretch."""
        if self.last < 0:
            return None
        whole = self.sights[self.last].sum() >= _WHOLE_ENOUGH * self.sights[self.best].sum()
        return self.last if whole else self.best


class FollowingTracker:
    """Looks for new things once a second and after cuts, and follows each from then on."""

    def __init__(self, detector: PhraseDetector, follower: Follower) -> None:
        self._detector = detector
        self._follower = follower

    @property
    def card(self) -> ModelCard:
        """Both models as one."""
        card = joined_card("video_tracker", self._detector.card, self._follower.card)
        return card.model_copy(update={"sure_from": self._detector.decision.sure})

    def track(
        self, frames: Iterable[Frame], phrases: Sequence[str], state: TrackerState, control: Control
    ) -> Iterator[TrackStep]:
        """Yield one step per frame. A stretch that runs out of memory is followed by a shorter one, as far as it goes.

        Raises OutOfMemory where a single frame is too much, EngineFailed, and what ``control.check`` raises.
        """
        asked = list(dict.fromkeys(phrases))
        stretch: _Stretch | None = None
        for frame in frames:
            control.check()
            if stretch is not None and stretch.length == _STRETCH:
                stretch.settled()
                stretch = None
            if stretch is None:
                stretch = _Stretch(self._detector, self._follower.begin(), asked, state)
            try:
                step = stretch.step(frame, control)
            except OutOfMemory:
                if stretch.length == 0:
                    raise
                stretch.settled()
                stretch = None  # frees what it holds before the next one begins
                stretch = _Stretch(self._detector, self._follower.begin(), asked, state)
                step = stretch.step(frame, control)
            yield step
        if stretch is not None:
            stretch.settled()


class _Stretch:
    """Some frames in a row, followed in one go. ``length`` is how many were."""

    def __init__(
        self, detector: PhraseDetector, following: Following, phrases: Sequence[str], state: TrackerState
    ) -> None:
        self._detector = detector
        self._following = following
        self._phrases = phrases
        self._state = state
        self._known = {thing.id: _Known(thing) for thing in state.things}
        self._pictures: list[Picture] = []
        self._recalled = False
        self._now = 0.0
        self.length = 0

    def step(self, frame: Frame, control: Control) -> TrackStep:
        """Return what is in sight in the next frame."""
        if not self._recalled:
            self._recall(control)
            self._recalled = True
        shown = self._following.show(frame.picture)
        sights = {number: pixels for number, pixels in shown.items() if number in self._known}
        if frame.shot_start:
            for number in sights:  # what a follower takes for the same thing over a cut often is not
                self._update(number, doubted=True)
        sights = self._distinct(sights)
        looked = self._state.looked
        if looked is None or frame.shot_start or frame.time - looked >= _LOOK_EVERY:
            self._look(frame.picture, sights, control)
            self._state.looked = frame.time
        in_sight = {number: pixels for number, pixels in sights.items() if not self._known[number].thing.doubted}
        for number, pixels in in_sight.items():
            self._known[number].saw(self.length, pixels)
            self._update(number, seen=frame.time)
        self._now = frame.time
        self._pictures.append(frame.picture)
        self.length += 1
        regions = [self._region(frame.picture, number, pixels) for number, pixels in sorted(in_sight.items())]
        return TrackStep(time=frame.time, regions=tuple(region for region in regions if region is not None))

    def settled(self) -> None:
        """Put into the state what is known now."""
        from reamo_mcp.media.run_lengths import encoded

        living = [known for known in self._known.values() if self._now - known.thing.seen <= _FORGET]
        living = sorted(living, key=lambda known: (-known.thing.seen, known.thing.id))[:_MOST_THINGS]
        outlines: dict[int, list[Outline]] = {}
        for known in living:
            at = known.remembered_at()
            if at is not None:
                outline = Outline(id=known.thing.id, mask=encoded(known.sights[at]))
                outlines.setdefault(at, []).append(outline)
        fresh = [Remembered(self._pictures[at], tuple(own)) for at, own in sorted(outlines.items())]
        unseen = {known.thing.id for known in living if known.remembered_at() is None}
        kept = [Remembered(old.picture, _of(old.outlines, unseen)) for old in self._state.remembered]
        remembered = [one for one in (*kept, *fresh) if one.outlines][-_MOST_REMEMBERED:]
        placed = {outline.id for one in remembered for outline in one.outlines}
        self._state.remembered = tuple(remembered)
        self._state.things = tuple(known.thing for known in living if known.thing.id in placed)

    def _recall(self, control: Control) -> None:
        from reamo_mcp.media.run_lengths import decoded

        for remembered in self._state.remembered:
            control.check()
            outlines = {one.id: decoded(one.mask) for one in remembered.outlines if one.id in self._known}
            if outlines:
                self._following.show(remembered.picture)
                self._following.seed(remembered.picture, outlines)

    def _look(self, picture: Picture, sights: "dict[int, Pixels]", control: Control) -> None:
        """Confirm what is found again, and begin to follow what is new."""
        new: dict[int, Box] = {}
        for phrase, detections in zip(
            self._phrases, located(self._detector, picture, self._phrases, control), strict=True
        ):
            own = {number: pixels for number, pixels in sights.items() if self._known[number].thing.phrase == phrase}
            boxes = {number: box_of(picture, pixels) for number, pixels in own.items()}
            for detection in detections:
                overlaps = {
                    number: box.intersection_over_union(detection.box)
                    for number, box in boxes.items()
                    if box is not None
                }
                same = max(overlaps, key=lambda number: overlaps[number], default=None)
                if same is not None and overlaps[same] >= _SAME:
                    score = max(self._known[same].thing.score, detection.score)
                    self._update(same, doubted=False, score=score)
                elif len(self._known) < 2 * _MOST_THINGS:
                    number = self._state.next_id
                    self._state.next_id += 1
                    thing = FollowedThing(id=number, phrase=phrase, score=detection.score, seen=0.0)
                    self._known[number] = _Known(thing)
                    new[number] = detection.box
        if new:
            outlined = self._following.seed(picture, new)
            fitting = {number: pixels for number, pixels in outlined.items() if _fits(picture, pixels, new[number])}
            distinct = self._distinct({**sights, **fitting})
            for number in new:
                if number in distinct:
                    sights[number] = distinct[number]
                else:
                    del self._known[number]  # nothing of the box is outlined, or it is as another thing already

    def _distinct(self, sights: "Mapping[int, Pixels]") -> "dict[int, Pixels]":
        """Return the sights without those that are the sight of an older thing of the same phrase.

        They are not forgotten: two things may be one in sight while they cross.
        """
        kept: dict[int, Pixels] = {}
        for number in sorted(sights):
            phrase = self._known[number].thing.phrase
            own = [pixels for older, pixels in kept.items() if self._known[older].thing.phrase == phrase]
            if all(overlap(pixels, sights[number]) < _ONE_THING for pixels in own):
                kept[number] = sights[number]
        return kept

    def _update(
        self, number: int, *, doubted: bool | None = None, score: float | None = None, seen: float | None = None
    ) -> None:
        known = self._known[number]
        changes = {"doubted": doubted, "score": score, "seen": seen}
        known.thing = known.thing.model_copy(
            update={name: value for name, value in changes.items() if value is not None}
        )

    def _region(self, picture: Picture, number: int, pixels: "Pixels") -> TrackedRegion | None:
        box = box_of(picture, pixels)
        if box is None:
            return None
        thing = self._known[number].thing
        region = Region(type=thing.phrase, box=box, score=thing.score, mask=mask_of(picture, pixels))
        return TrackedRegion(id=number, region=region)


def _fits(picture: Picture, pixels: "Pixels", box: Box) -> bool:
    outlined = box_of(picture, pixels)
    return outlined is not None and outlined.intersection_over_union(box) >= LEAST_FIT


def _of(outlines: Sequence[Outline], ids: Collection[int]) -> tuple[Outline, ...]:
    return tuple(outline for outline in outlines if outline.id in ids)
