"""Keep only some types of an ontology, and add ones of the caller's own: 'ship', 'captain of(person, ship)'."""

import re
from collections.abc import Sequence

from pydantic import ValidationError

from reamo_mcp.errors import InvalidOntology
from reamo_mcp.types.ontology import EntityType, EventType, Ontology, RelationType, Role

_WRITTEN = re.compile(r"([^()]+)(?:\(([^()]*)\))?")


def selected(
    ontology: Ontology,
    *,
    entity_types: Sequence[str] = (),
    relation_types: Sequence[str] = (),
    event_types: Sequence[str] = (),
) -> Ontology:
    """Return the ontology with only the named types; an empty list keeps all of its kind.

    A name that the ontology lacks becomes a type of its own. A relation may name its ends, ``captain of(person,
    ship)``, and an event its roles, ``launch(ship, place)``. Entity types that kept or new relations name are kept or
    added too. Raises InvalidOntology for what is not written that way.
    """
    relations = [_relation(ontology, *_parsed(written)) for written in relation_types] or list(ontology.relation_types)
    events = [_event(ontology, *_parsed(written)) for written in event_types] or list(ontology.event_types)
    if not (entity_types or relation_types or event_types):
        return ontology
    known = {entity.name: entity for entity in ontology.entity_types}
    if entity_types:
        wanted = [_parsed(written)[0] for written in entity_types]
        if not relation_types:
            relations = [_narrowed(relation, wanted) for relation in relations if _ends_within(relation, wanted)]
        if not event_types:
            events = [_within(event, wanted) for event in events]
    else:
        wanted = list(known)
    ends = [end for relation in relations for end in (*relation.head, *relation.tail)]
    ends += [end for event in events for role in event.roles for end in role.types]
    names = dict.fromkeys([*wanted, *ends])
    try:
        return Ontology(
            name=ontology.name,
            description=ontology.description,
            entity_types=tuple(known.get(name) or EntityType(name=name) for name in names),
            relation_types=tuple(relations),
            event_types=tuple(events),
            nested=ontology.nested,
        )
    except ValidationError as error:
        raise InvalidOntology(
            f"the types do not fit together: {error.errors()[0]['msg']}", "Name each type once"
        ) from None


def _parsed(written: str) -> tuple[str, list[str]]:
    match = _WRITTEN.fullmatch(written.strip())
    if match is None:
        raise InvalidOntology(
            f"the type {written[:80]!r} is not understood",
            "Write a name, or a name with its ends or roles: 'captain of(person, ship)'",
        )
    inner = [part.strip() for part in (match[2] or "").split(",")]
    return match[1].strip(), [part for part in inner if part]


def _relation(ontology: Ontology, name: str, ends: list[str]) -> RelationType:
    if not ends:
        known = next((relation for relation in ontology.relation_types if relation.name == name), None)
        return known or RelationType(name=name)
    if len(ends) != 2:
        raise InvalidOntology(f"the relation {name!r} has {len(ends)} ends", "Name two: 'captain of(person, ship)'")
    return RelationType(name=name, head=(ends[0],), tail=(ends[1],))


def _event(ontology: Ontology, name: str, roles: list[str]) -> EventType:
    if not roles:
        known = next((event for event in ontology.event_types if event.name == name), None)
        return known or EventType(name=name)
    return EventType(name=name, roles=tuple(Role(name=role) for role in roles))


def _ends_within(relation: RelationType, wanted: Sequence[str]) -> bool:
    return all(not ends or any(end in wanted for end in ends) for ends in (relation.head, relation.tail))


def _narrowed(relation: RelationType, wanted: Sequence[str]) -> RelationType:
    head = tuple(end for end in relation.head if end in wanted)
    tail = tuple(end for end in relation.tail if end in wanted)
    return relation.model_copy(update={"head": head, "tail": tail})


def _within(event: EventType, wanted: Sequence[str]) -> EventType:
    roles = tuple(
        role.model_copy(update={"types": tuple(name for name in role.types if name in wanted)})
        for role in event.roles
        if not role.types or any(name in wanted for name in role.types)
    )
    return event.model_copy(update={"roles": roles})
