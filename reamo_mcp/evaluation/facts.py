"""What is scored: the entities, relations and events of a sample, gold or predicted, in one form.

Groundings keep their records; only their ``media_id`` becomes the *name* of the medium, since two engines may number
the media of one document differently while file names stay.
"""

import re
import unicodedata
from dataclasses import dataclass

from reamo_mcp.types.extraction import Argument, Extraction
from reamo_mcp.types.grounding import Grounding

Span = tuple[str, int, int]
"""Name of the medium, start, end: characters of a text or of a document's text."""

_ARTICLE = re.compile(r"^(?:the|a|an) ", re.IGNORECASE)


def folded(name: str) -> str:
    """Return a name as strings are compared: NFC, one blank between words, no case, no leading article."""
    plain = " ".join(unicodedata.normalize("NFC", name).split()).casefold()
    return _ARTICLE.sub("", plain)


@dataclass(frozen=True)
class Thing:
    """An entity, a trigger or an argument: how it is called and every place of it."""

    type: str
    name: str
    places: tuple[Grounding, ...] = ()

    @property
    def spans(self) -> frozenset[Span]:
        """The stretches of text that name it."""
        return frozenset((place.media_id, place.start, place.end) for place in self.places if place.kind == "text_span")


@dataclass(frozen=True)
class Link:
    """A relation between two things."""

    type: str
    head: Thing
    tail: Thing


@dataclass(frozen=True)
class Part:
    """A thing that plays a role in an event of a type."""

    event: str
    role: str
    thing: Thing


@dataclass(frozen=True)
class Happening:
    """An event: its trigger (whose type is the event's) and its arguments."""

    trigger: Thing
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Facts:
    """All that is said of one sample."""

    things: tuple[Thing, ...] = ()
    links: tuple[Link, ...] = ()
    happenings: tuple[Happening, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """The arguments of all events."""
        return tuple(part for happening in self.happenings for part in happening.parts)


def facts_of(extraction: Extraction) -> Facts:
    """Return what an extraction says, with media called by their names."""
    names = {medium.id: medium.name for medium in extraction.document.media}

    def placed(groundings: tuple[Grounding, ...]) -> tuple[Grounding, ...]:
        return tuple(place.model_copy(update={"media_id": names[place.media_id]}) for place in groundings)

    things = {entity.id: Thing(entity.type, entity.name, placed(entity.groundings)) for entity in extraction.entities}

    def part(event: str, argument: Argument) -> Part:
        if argument.entity is not None:
            return Part(event, argument.role, things[argument.entity])
        return Part(event, argument.role, Thing("", argument.value or "", placed(argument.groundings)))

    return Facts(
        things=tuple(things.values()),
        links=tuple(Link(link.type, things[link.head], things[link.tail]) for link in extraction.relations),
        happenings=tuple(
            Happening(
                Thing(event.type, event.trigger.text, placed(event.trigger.groundings)),
                tuple(part(event.type, argument) for argument in event.arguments),
            )
            for event in extraction.events
        ),
    )
