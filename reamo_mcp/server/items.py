"""From a result to the compact items of an answer."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from pathlib import PurePath

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.server.arguments import Detail, Kind
from reamo_mcp.server.wording import coverage_lines, place, shown
from reamo_mcp.types.answers import Item
from reamo_mcp.types.extraction import Argument, Entity, Event, Extraction, Relation
from reamo_mcp.types.grounding import Grounding

_SHORT_PLACES = 5
_PLACES_OF_ONE_ITEM = 40
_MOST_ARGUMENTS = 20
_MOST_NAMED = 20  # media in an error


@dataclass(frozen=True)
class Wanted:
    """Which items of a result are asked for; empty tuples and strings mean all."""

    kinds: tuple[Kind, ...] = ("entity", "relation", "event")
    types: tuple[str, ...] = ()
    medium: str = ""
    contains: str = ""
    detail: Detail = "short"


class Items:
    """The items of one result, made as they are asked for: what a page leaves out costs next to nothing."""

    def __init__(self, extraction: Extraction) -> None:
        self._extraction = extraction

    @cached_property
    def _names(self) -> dict[str, str]:
        return {entity.id: f"{entity.id} {shown(entity.name, 80)}".strip() for entity in self._extraction.entities}

    @cached_property
    def _groundings(self) -> dict[str, Grounding]:
        return {grounding.id: grounding for grounding in self._extraction.groundings()}

    def wanted(self, wanted: Wanted, start: int = 0) -> Iterator[Item]:
        """Yield the items that are wanted, in the order of the result, from the ``start``-th on.

        An item of many places may come in parts, each of which counts. Raises InvalidArgument for a medium that the
        result does not have.
        """
        for make in islice(self._makers(wanted), start, None):
            yield make()

    def _makers(self, wanted: Wanted) -> Iterator[Callable[[], Item]]:
        media = self._media(wanted.medium)
        needle = wanted.contains.casefold()
        types = frozenset(wanted.types)

        def fits(type_: str, texts: Sequence[str], groundings: Sequence[Grounding]) -> bool:
            if types and type_ not in types:
                return False
            if media is not None and not any(grounding.media_id in media for grounding in groundings):
                return False
            quotes = (grounding.quote or "" for grounding in groundings)
            return not needle or any(needle in text.casefold() for text in (*texts, *quotes))

        if "entity" in wanted.kinds:
            for entity in self._extraction.entities:
                if fits(entity.type, (entity.name,), entity.groundings):
                    yield from self._entity(entity, wanted.detail)
        if "relation" in wanted.kinds:
            for relation in self._extraction.relations:
                ends = (self._names[relation.head], self._names[relation.tail])
                if fits(relation.type, ends, self._places(relation.evidence)):
                    yield partial(self._relation, relation)
        if "event" in wanted.kinds:
            for event in self._extraction.events:
                values = [argument.value or self._names[argument.entity or ""] for argument in event.arguments]
                if fits(event.type, (event.trigger.text, *values), event.trigger.groundings):
                    yield partial(self._event, event)
        if "ungrounded" in wanted.kinds:
            yield from self._ungrounded(types, media, needle)
        if "coverage" in wanted.kinds:
            for number, line in enumerate(coverage_lines(self._extraction), start=1):
                yield partial(Item, id=f"c{number}", kind="coverage", type="coverage", text=line)

    def _media(self, name: str) -> frozenset[str] | None:
        if not name:
            return None
        media, named = self._extraction.document.media, (name, PurePath(name).name)  # agents repeat the path they gave
        found = frozenset(medium.id for medium in media if medium.id == name or medium.name in named)
        if not found and not any(one.name in named for one in self._extraction.coverage.failed):
            known = ", ".join(f"{medium.id} {shown(medium.name, 60)}" for medium in media[:_MOST_NAMED])
            raise InvalidArgument(f"this result has no medium {shown(name, 80)!r}", f"Its media: {known}")
        return found

    def _places(self, ids: Sequence[str]) -> list[Grounding]:
        return [self._groundings[id_] for id_ in ids]

    def _entity(self, entity: Entity, detail: Detail) -> Iterator[Callable[[], Item]]:
        if detail == "full":
            for start in range(0, len(entity.groundings), _PLACES_OF_ONE_ITEM):
                yield partial(self._entity_part, entity, start)
        else:
            yield partial(self._entity_part, entity, None)

    def _entity_part(self, entity: Entity, start: int | None) -> Item:
        """Return an entity with its places from ``start`` on, or with a few that stand for all."""
        located = [grounding for grounding in entity.groundings if grounding.kind != "whole"]
        attested = [grounding for grounding in entity.groundings if grounding.kind == "whole"]
        places = [*located, *attested]
        note = None
        if start is None:
            part = one_per_medium(places, _SHORT_PLACES)
            if len(part) < len(places):
                note = f"{len(part)} of {len(places)} places; get_result with detail='full' lists all"
        else:
            part = places[start : start + _PLACES_OF_ONE_ITEM]
            if len(part) < len(places):
                note = f"places {start + 1}-{start + len(part)} of {len(places)}"
        return Item(
            id=entity.id,
            kind="entity",
            type=entity.type,
            text=shown(entity.name),
            score=_rounded(entity.score),
            at=tuple(place(grounding, entity.name) for grounding in part),
            located=_media_of(located),
            attested=_media_of(attested),
            absent=entity.absent,
            note=note,
        )

    def _relation(self, relation: Relation) -> Item:
        evidence = self._places(relation.evidence)
        return Item(
            id=relation.id,
            kind="relation",
            type=relation.type,
            score=_rounded(relation.score),
            head=self._names[relation.head],
            tail=self._names[relation.tail],
            at=tuple(place(grounding) for grounding in evidence[:_SHORT_PLACES]),
            note=f"{_SHORT_PLACES} of {len(evidence)} places" if len(evidence) > _SHORT_PLACES else None,
        )

    def _event(self, event: Event) -> Item:
        arguments = [self._argument(argument) for argument in event.arguments[:_MOST_ARGUMENTS]]
        if len(event.arguments) > _MOST_ARGUMENTS:
            arguments.append(f"and {len(event.arguments) - _MOST_ARGUMENTS} more; read the resource of the result")
        return Item(
            id=event.id,
            kind="event",
            type=event.type,
            text=shown(event.trigger.text),
            score=_rounded(event.score),
            at=tuple(place(grounding, event.trigger.text) for grounding in event.trigger.groundings[:_SHORT_PLACES]),
            arguments=tuple(arguments),
        )

    def _argument(self, argument: Argument) -> str:
        if argument.entity is not None:
            return f"{argument.role}: {self._names[argument.entity]}"
        places = " ".join(place(grounding, argument.value or "") for grounding in argument.groundings[:1])
        return f'{argument.role}: "{shown(argument.value or "", 90)}" {places}'.rstrip()

    def _ungrounded(
        self, types: frozenset[str], media: frozenset[str] | None, needle: str
    ) -> Iterator[Callable[[], Item]]:
        for number, claim in enumerate(self._extraction.ungrounded, start=1):
            if types and claim.type not in types:
                continue
            if media is not None and claim.media_id not in media:
                continue
            if needle and needle not in claim.text.casefold():
                continue
            yield partial(
                Item,
                id=f"u{number}",
                kind="ungrounded",
                type=claim.type,
                text=shown(claim.text),
                at=(claim.media_id,) if claim.media_id else (),
                note=shown(claim.reason),
            )


def one_per_medium(places: Sequence[Grounding], most: int) -> list[Grounding]:
    """Return at most ``most`` places in their order: the first of each medium, then as many others as fit."""
    seen: set[str] = set()
    firsts: list[int] = []
    others: list[int] = []
    for number, grounding in enumerate(places):
        (others if grounding.media_id in seen else firsts).append(number)
        seen.add(grounding.media_id)
    return [places[number] for number in sorted([*firsts, *others][:most])]


def _media_of(groundings: Sequence[Grounding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(grounding.media_id for grounding in groundings))


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 3)
