"""Grounding of records: is the right thing in the right place?

The set mIoU of the paper is free of labels, so a region of the wrong thing can score. Two measures of ours bind places
to records:

- *linked mIoU*: only the places of matched things (same type, same mention) are compared, inside the pair; every
  place of an unmatched thing, gold or predicted, counts 0.
- *Grounded F1 at t*: a record is right when it is named right *and*, in every medium and kind of place, either gold and
  predicted thing both have a place and the best IoU of any two reaches t, or neither has one. Text is not asked again:
  its spans already decided whether the record matches.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from reamo_mcp.evaluation.assignment import most_pairs
from reamo_mcp.evaluation.counts import Counts
from reamo_mcp.evaluation.facts import Facts, Link, Part, Thing
from reamo_mcp.evaluation.overlap import Overlaps, one_minus_iou, pairs_of
from reamo_mcp.evaluation.places import overlaps_of_regions, overlaps_of_segments, overlaps_of_tracks
from reamo_mcp.evaluation.recognition import same_place
from reamo_mcp.types.grounding import AudioSegment, ImageRegion, VideoTrack
from reamo_mcp.types.media import Medium

R = TypeVar("R", Thing, Link, Part)
PlaceKind = Literal["image_region", "audio_segment", "video_track"]
KINDS: tuple[PlaceKind, ...] = ("image_region", "audio_segment", "video_track")
Media = Mapping[str, Medium]
"""The media of a sample by name, as the gold describes them."""


@dataclass(frozen=True)
class Compared:
    """The places of two things, or of two sets of things, in one medium, of one kind."""

    medium: str
    kind: PlaceKind
    overlaps: Overlaps

    @property
    def golds(self) -> int:
        """How many gold places there are."""
        return len(self.overlaps.gold)

    @property
    def predictions(self) -> int:
        """How many predicted places there are."""
        return len(self.overlaps.predicted)

    @property
    def best(self) -> float:
        """The best IoU of a gold with a predicted place."""
        return max(
            (self.overlaps.iou(gold, other) for gold in range(self.golds) for other in range(self.predictions)),
            default=0.0,
        )


def compared(
    gold: Sequence[Thing], predicted: Sequence[Thing], media: Media, kinds: Sequence[PlaceKind] = KINDS
) -> list[Compared]:
    """Return the overlaps of all places of things, by medium and kind; those without any place are left out."""
    found: list[Compared] = []
    for name, medium in media.items():
        for kind in kinds:
            overlaps = _overlaps(kind, name, medium, gold, predicted)
            if overlaps is not None and (overlaps.gold or overlaps.predicted):
                found.append(Compared(name, kind, overlaps))
    return found


def linked_places(gold: Facts, predicted: Facts, media: Media, kinds: Sequence[PlaceKind]) -> float | None:
    """Return the linked mIoU of a sample, None where no thing has a place of these kinds."""
    pairs = matched_things(gold.things, predicted.things)
    total, size = 0.0, 0
    for mine, theirs in pairs:
        for item in compared([mine], [theirs], media, kinds):
            size += max(item.golds, item.predictions)
            total += sum(item.overlaps.iou(*pair) for pair in pairs_of(item.overlaps, one_minus_iou))
    missed = [thing for thing in gold.things if all(thing is not mine for mine, _ in pairs)]
    surplus = [thing for thing in predicted.things if all(thing is not theirs for _, theirs in pairs)]
    size += sum(item.golds for item in compared(missed, (), media, kinds))
    size += sum(item.predictions for item in compared((), surplus, media, kinds))
    return total / size if size else None


def matched_things(gold: Sequence[Thing], predicted: Sequence[Thing]) -> list[tuple[Thing, Thing]]:
    """Return pairs of things of the same type that share a mention, as many as can be."""
    pairs = most_pairs(gold, predicted, lambda one, other: one.type == other.type and same_place(one, other))
    return [(gold[mine], predicted[theirs]) for mine, theirs in pairs]


def well_grounded(gold: Thing, predicted: Thing, media: Media, threshold: float) -> bool:
    """Return True if a predicted thing is where the gold one is, and nowhere else, medium by medium."""
    for item in compared([gold], [predicted], media):
        if not item.golds or not item.predictions or item.best < threshold:
            return False
    return True


def count_grounded_things(gold: Facts, predicted: Facts, media: Media, threshold: float = 0.5) -> Counts:
    """Count entities that are named right and grounded right."""
    return _count(gold.things, predicted.things, lambda one, other: _same(one, other, media, threshold, typed=True))


def count_grounded_links(gold: Facts, predicted: Facts, media: Media, threshold: float = 0.5) -> Counts:
    """Count relations whose type and both ends are right and both ends are grounded right."""

    def matches(one: Link, other: Link) -> bool:
        ends = ((one.head, other.head), (one.tail, other.tail))
        return one.type == other.type and all(_same(*end, media, threshold, typed=False) for end in ends)

    return _count(gold.links, predicted.links, matches)


def count_grounded_parts(gold: Facts, predicted: Facts, media: Media, threshold: float = 0.5) -> Counts:
    """Count arguments whose event type, role and thing are right and whose thing is grounded right."""

    def matches(one: Part, other: Part) -> bool:
        named = (one.event, one.role) == (other.event, other.role)
        return named and _same(one.thing, other.thing, media, threshold, typed=False)

    return _count(gold.parts, predicted.parts, matches)


def _same(one: Thing, other: Thing, media: Media, threshold: float, *, typed: bool) -> bool:
    if typed and one.type != other.type:
        return False
    return same_place(one, other) and well_grounded(one, other, media, threshold)


def _count(gold: Sequence[R], predicted: Sequence[R], matches: Callable[[R, R], bool]) -> Counts:
    return Counts(len(most_pairs(gold, predicted, matches)), len(predicted), len(gold))


def _overlaps(
    kind: PlaceKind, name: str, medium: Medium, gold: Sequence[Thing], predicted: Sequence[Thing]
) -> Overlaps | None:
    match kind:
        case "image_region":
            if medium.kind != "image":
                return None
            return overlaps_of_regions(
                _places(gold, name, ImageRegion), _places(predicted, name, ImageRegion), medium.width, medium.height
            )
        case "audio_segment":
            if medium.kind != "audio" and medium.kind != "video":
                return None
            return overlaps_of_segments(
                _places(gold, name, AudioSegment), _places(predicted, name, AudioSegment), medium.duration
            )
        case "video_track":
            if medium.kind != "video":
                return None
            return overlaps_of_tracks(
                _places(gold, name, VideoTrack), _places(predicted, name, VideoTrack), medium.width, medium.height
            )


PlaceType = TypeVar("PlaceType", ImageRegion, AudioSegment, VideoTrack)


def _places(things: Sequence[Thing], medium: str, kind: type[PlaceType]) -> list[PlaceType]:
    return [place for thing in things for place in thing.places if isinstance(place, kind) and place.media_id == medium]
