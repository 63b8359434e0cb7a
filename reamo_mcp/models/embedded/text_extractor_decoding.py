"""From scores to mentions: which spans stay, and which pairs of them are linked."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reamo_mcp.models.roles import ArgumentMention, EntityMention, EventMention, Mentions, RelationMention


@dataclass(frozen=True, slots=True)
class Spot:
    """A scored span of the text; offsets are code points of the text."""

    type: str
    start: int
    end: int
    score: float

    @property
    def place(self) -> tuple[int, int]:
        """Start and end."""
        return self.start, self.end


def crosses(first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Return whether two spans share characters, and neither lies in the other."""
    return first[0] < second[0] < first[1] < second[1] or second[0] < first[0] < second[1] < first[1]


def without_overlaps(spots: Iterable[Spot]) -> list[Spot]:
    """Return the best spots of which no two share a character, in the order of the text."""
    kept: list[Spot] = []
    for spot in sorted(spots, key=lambda spot: (-spot.score, spot.start, spot.end)):
        at = bisect_left(kept, spot.start, key=lambda other: other.end - 1)
        if at == len(kept) or kept[at].start >= spot.end:
            kept.insert(at, spot)
    return kept


def nested(spots: Iterable[Spot]) -> list[Spot]:
    """Return the best spots, one type for a place, of which none cross each other, in the order of the text."""
    kept: list[Spot] = []
    for spot in sorted(spots, key=lambda spot: (-spot.score, spot.start, spot.end)):
        at = bisect_left(kept, spot.start - 400, key=lambda other: other.start)
        stop = bisect_left(kept, spot.end, key=lambda other: other.start)
        if all(other.place != spot.place and not crosses(other.place, spot.place) for other in kept[at:stop]):
            insort(kept, spot, key=lambda other: (other.start, -other.end))
    return kept


@dataclass
class FoundInText:
    """What the windows of one text gave. Ends of links are places, so that windows need not know of each other."""

    entities: list[Spot] = field(default_factory=list[Spot])
    relations: dict[tuple[str, tuple[int, int], tuple[int, int]], float] = field(
        default_factory=dict[tuple[str, tuple[int, int], tuple[int, int]], float]
    )
    triggers: list[Spot] = field(default_factory=list[Spot])
    arguments: dict[tuple[str, tuple[int, int]], list[Spot]] = field(
        default_factory=dict[tuple[str, tuple[int, int]], list[Spot]]
    )
    """By type and place of the trigger; the type of each spot is its role."""

    def mentions(self, *, is_nested: bool) -> Mentions:
        """Return the mentions. Neighbouring windows may have claimed overlapping spans: the better one stays."""
        entities = nested(self.entities) if is_nested else without_overlaps(self.entities)
        index = {entity.place: number for number, entity in enumerate(entities)}
        events = without_overlaps(self.triggers)
        return Mentions(
            entities=tuple(EntityMention(type=e.type, start=e.start, end=e.end, score=e.score) for e in entities),
            relations=tuple(
                RelationMention(type=kind, head=index[head], tail=index[tail], score=score)
                for (kind, head, tail), score in self.relations.items()
                if head in index and tail in index
            ),
            events=tuple(
                EventMention(
                    type=event.type,
                    start=event.start,
                    end=event.end,
                    score=event.score,
                    arguments=tuple(
                        ArgumentMention(
                            role=found.type,
                            start=found.start,
                            end=found.end,
                            score=found.score,
                            entity=index.get(found.place),
                        )
                        for found in self.arguments.get((event.type, event.place), ())
                    ),
                )
                for event in events
            ),
        )


SURE = 0.3
"""Score from which on a phrase fills a second role of one event: a drug may be the treatment, a buyer no seller."""


def chosen_arguments(candidates: Sequence[Spot]) -> list[Spot]:
    """Return the best fillers of each role, of which no two of one role overlap, in the order of the text.

    A phrase fills the role it fits best, and others only if that is likely too.
    """
    best: dict[tuple[int, int], float] = {}
    for candidate in candidates:
        best[candidate.place] = max(candidate.score, best.get(candidate.place, 0.0))
    by_role: dict[str, list[Spot]] = {}
    for candidate in candidates:
        if candidate.score >= min(best[candidate.place], SURE):
            by_role.setdefault(candidate.type, []).append(candidate)
    chosen = [spot for spots in by_role.values() for spot in without_overlaps(spots)]
    return sorted(chosen, key=lambda spot: (spot.start, spot.end, spot.type))
