"""Candidates that were located, joined into things: the step between grounding and the answer."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reamo_mcp.grounding.locating import Locator
from reamo_mcp.grounding.rejection import Rejection
from reamo_mcp.isolation.control import Control
from reamo_mcp.linking.link_names import Name, link_names
from reamo_mcp.linking.name_search import Held, ReadingSearch, is_searchable
from reamo_mcp.linking.names import ReadAs
from reamo_mcp.types.candidate import CandidateEntity
from reamo_mcp.types.extraction import Ungrounded
from reamo_mcp.types.grounding import Grounding, TextSpan
from reamo_mcp.types.media import OpenedDocument
from reamo_mcp.types.reading import Reading

_SEARCHED_KINDS = frozenset(("text", "picture_text", "transcript", "video_text"))


@dataclass(frozen=True)
class LocatedEntity:
    """A candidate with at least one place."""

    candidate: CandidateEntity
    groundings: tuple[Grounding, ...]
    read_as: ReadAs


@dataclass
class Thing:
    """One thing of the document: the candidates that mean it and all its places."""

    type: str
    name: str
    names: tuple[str, ...]
    candidates: tuple[str, ...]
    groundings: list[Grounding] = field(default_factory=list[Grounding])
    absent: tuple[str, ...] = ()


class Order:
    """The order of places in a document: by medium, then by reading, then by offset."""

    def __init__(self, document: OpenedDocument, readings: Sequence[Reading]) -> None:
        self._media = {medium.id: index for index, medium in enumerate(document.media)}
        self._readings = {reading.id: index for index, reading in enumerate(readings)}

    def __call__(self, grounding: Grounding) -> tuple[int, int, int]:
        """Return the sort key of a place."""
        medium = self._media.get(grounding.media_id, len(self._media))
        if grounding.via is not None:
            return medium, self._readings.get(grounding.via.reading, 0), grounding.via.start
        if isinstance(grounding, TextSpan):
            return medium, 0, grounding.start
        return medium, len(self._readings), 0


def locate_entities(
    candidates: Iterable[CandidateEntity], locator: Locator, kinds: Mapping[str, str], control: Control
) -> tuple[list[LocatedEntity], list[Ungrounded]]:
    """Return the candidates that have a place, and those that have none with the reason.

    ``kinds`` gives the kind of each reading. Raises what ``control.check`` raises.
    """
    located: list[LocatedEntity] = []
    ungrounded: list[Ungrounded] = []
    for candidate in candidates:
        control.check()
        places: list[Grounding] = []
        reason = ""
        for mention in candidate.mentions:
            place = locator.locate(mention)
            if isinstance(place, Rejection):
                reason = place.reason
            else:
                places.append(place)
        if places:
            claimed = any(mention.quote for mention in candidate.mentions)
            if claimed and not any(place.quote for place in places):
                candidate = candidate.model_copy(update={"name": ""})  # what is seen has no name that nothing says
            located.append(LocatedEntity(candidate, tuple(places), _read_as(places[0], kinds)))
        else:
            ungrounded.append(
                Ungrounded(
                    kind="entity",
                    type=candidate.type,
                    text=candidate.name or candidate.mentions[0].quote,
                    reason=reason,
                    media_id=candidate.mentions[0].media_id,
                )
            )
    return located, ungrounded


def _read_as(grounding: Grounding, kinds: Mapping[str, str]) -> ReadAs:
    if grounding.via is not None and kinds.get(grounding.via.reading) == "transcript":
        return "speech"
    return "picture" if grounding.kind in ("image_region", "video_track") else "text"


def link(located: Sequence[LocatedEntity], order: Order, control: Control) -> list[Thing]:
    """Return one thing for all candidates that mean it, in order of first appearance.

    The nameless stay alone, and so do things that are only seen: two dogs of one picture are both a "dog".
    """
    located = sorted(located, key=lambda entity: min(map(order, entity.groundings)))
    named = [entity for entity in located if _is_named(entity)]
    names = [Name(entity.candidate.name, entity.candidate.type, entity.read_as) for entity in named]
    groups = link_names(names, control)
    things = [_thing([named[index] for index in group], order) for group in groups]
    things.extend(_thing([entity], order) for entity in located if not _is_named(entity))
    return sorted(things, key=lambda thing: order(thing.groundings[0]))


def _is_named(entity: LocatedEntity) -> bool:
    return bool(entity.candidate.name) and any(grounding.quote for grounding in entity.groundings)


def _thing(entities: Sequence[LocatedEntity], order: Order) -> Thing:
    types = Counter(entity.candidate.type for entity in entities)
    places: dict[tuple[object, ...], Grounding] = {}
    for entity in entities:
        for grounding in entity.groundings:
            key = place_of(grounding)
            known = places.get(key)
            if known is None or (known.score or 0.0) < (grounding.score or 0.0):
                places[key] = grounding
    return Thing(
        type=types.most_common(1)[0][0],
        name=_best_name(entities),
        names=tuple(dict.fromkeys(entity.candidate.name for entity in entities if entity.candidate.name)),
        candidates=tuple(entity.candidate.id for entity in entities),
        groundings=sorted(places.values(), key=order),
    )


def place_of(grounding: Grounding) -> tuple[object, ...]:
    """Return what makes two groundings one place: the slice of the same source, else all but id and score."""
    if grounding.via is not None:
        return grounding.media_id, grounding.via
    if isinstance(grounding, TextSpan):
        return grounding.media_id, grounding.start, grounding.end
    return grounding.media_id, grounding.model_dump_json(exclude={"id", "score", "score_kind"})


def _best_name(entities: Sequence[LocatedEntity]) -> str:
    """Return the fullest name, from a text rather than from a picture or speech, in mixed case rather than in one."""
    best = max(
        entities,
        key=lambda entity: (
            entity.read_as == "text",
            not (entity.candidate.name.isupper() and len(entity.candidate.name) > 5),
            not entity.candidate.name.islower(),
            len(entity.candidate.name),
        ),
    )
    return best.candidate.name


class NameSearch:
    """Looks for the names of things in the readings that do not have them yet, and tells where they are absent."""

    def __init__(self, document: OpenedDocument, readings: Sequence[Reading], order: Order) -> None:
        self._order = order
        self._searches = [
            ReadingSearch(reading, medium)
            for reading in readings
            if reading.kind in _SEARCHED_KINDS and (medium := document.medium(reading.media_id)) is not None
        ]
        self._ordinary = frozenset[str]().union(*(search.ordinary for search in self._searches))

    def complete(self, things: Sequence[Thing], searched_types: frozenset[str], control: Control) -> None:
        """Add the places of known names, longest names first, and the media that do not hold them.

        Names of one word are looked for in other readings than their own only; longer ones in their own too. Types
        outside ``searched_types`` (dates, amounts) are not looked for: equal words there need not mean one thing.
        Raises what ``control.check`` raises.
        """
        held = self._held(things)
        owners: dict[str, set[int]] = defaultdict(set)
        for number, thing in enumerate(things):
            for name in thing.names:
                owners[name.casefold()].add(number)
        wanted = sorted(
            (
                (name, thing)
                for thing in things
                if thing.type in searched_types
                for name in thing.names
                if is_searchable(name) and len(owners[name.casefold()]) == 1
            ),
            key=lambda item: -len(item[0]),
        )
        for name, thing in wanted:
            control.check()
            own = {_reading_of(grounding) for grounding in thing.groundings}
            for search in self._searches:
                here = search.reading.id
                if len(name.split()) == 1 and (here in own or _own_text(search.reading) in own):
                    continue
                for place in search.find(name, held[here], self._ordinary):
                    thing.groundings.append(place)
                    held[here].hold(*_stretch(place))
        for thing in things:
            thing.groundings.sort(key=self._order)
            holders = {grounding.media_id for grounding in thing.groundings}
            if thing.name:
                media = dict.fromkeys(search.reading.media_id for search in self._searches)
                thing.absent = tuple(medium for medium in media if medium not in holders)

    def _held(self, things: Sequence[Thing]) -> dict[str, Held]:
        held = {search.reading.id: Held(len(search.reading.text)) for search in self._searches}
        texts = {_own_text(search.reading): search.reading.id for search in self._searches}
        for thing in things:
            for grounding in thing.groundings:
                reading = _reading_of(grounding)
                here = texts.get(reading, reading)
                if here in held and (grounding.via is not None or isinstance(grounding, TextSpan)):
                    held[here].hold(*_stretch(grounding))
        return held


def _reading_of(grounding: Grounding) -> str:
    """Return the reading that a place goes through; for the text of a text medium, the mark of `_own_text`."""
    return grounding.via.reading if grounding.via is not None else f"{grounding.media_id} itself"


def _own_text(reading: Reading) -> str:
    return f"{reading.media_id} itself" if reading.kind == "text" else reading.id


def _stretch(grounding: Grounding) -> tuple[int, int]:
    if grounding.via is not None:
        return grounding.via.start, grounding.via.end
    if isinstance(grounding, TextSpan):
        return grounding.start, grounding.end
    raise ValueError("this place is no stretch of a text")
