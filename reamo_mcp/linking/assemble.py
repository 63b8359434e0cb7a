"""From candidates to the entities, relations and events of the answer, each with its proof and its number.

The steps: every mention is located; a doubtful type of a name follows the sure one; mentions of one thing are linked;
names known from one reading are looked for in the others; relations and events are rewritten to the linked things and
to the groundings that prove them. What has no proof, or less than the score asked for, goes to ``ungrounded`` with the
reason. Equal input gives equal output: ids count in order of first appearance (medium, reading, offset).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from reamo_mcp.grounding.locating import Locator
from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.linking.agreed_types import with_agreed_types
from reamo_mcp.linking.claims import Answer, below, happened, numbered, related
from reamo_mcp.linking.located import LocatedEntity, NameSearch, Order, Thing, link, locate_entities, place_of
from reamo_mcp.types.candidate import Candidates
from reamo_mcp.types.extraction import Entity, Event, Relation, Ungrounded
from reamo_mcp.types.media import OpenedDocument
from reamo_mcp.types.ontology import Ontology
from reamo_mcp.types.reading import Reading

Task = Literal["entities", "relations", "events"]
ALL_TASKS: tuple[Task, ...] = ("entities", "relations", "events")
_FORMS = frozenset(("date", "time", "money", "percentage", "quantity"))


@dataclass(frozen=True)
class Assembled:
    """The parts of an `Extraction` that say what was found; ``by_candidate`` tells the entity of each candidate."""

    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...]
    events: tuple[Event, ...]
    ungrounded: tuple[Ungrounded, ...]
    by_candidate: Mapping[str, str] = field(default_factory=dict[str, str])


def assemble(
    candidates: Candidates,
    document: OpenedDocument,
    readings: Sequence[Reading],
    ontology: Ontology,
    *,
    tasks: Sequence[Task] = ALL_TASKS,
    min_score: float = 0.0,
    control: Control | None = None,
) -> Assembled:
    """Return what the candidates come to in this document. ``readings`` are all of its readings, with their texts.

    Without ``"entities"`` among the tasks only those entities stay that a relation or event names. Items without a
    score pass every ``min_score``. Raises what ``control.check`` raises.
    """
    control = control or Unlimited()
    order = Order(document, readings)
    locator = Locator(document, readings)
    kinds = {reading.id: reading.kind for reading in readings}
    located, ungrounded = locate_entities(candidates.entities, locator, kinds, control)
    control.check()
    located = with_agreed_types(
        located, (kind.name for kind in ontology.entity_types if kind.name.casefold() not in _FORMS)
    )
    things = link(located, order, control)
    control.check()
    forms = {entity.id for entity in candidates.entities if entity.mentions[0].provenance.model == "patterns"}
    searched = frozenset(
        thing.type for thing in things if thing.type.casefold() not in _FORMS and not forms.issuperset(thing.candidates)
    )
    NameSearch(document, readings, order).complete(things, searched, control)
    control.check()
    if "entities" not in tasks:
        things = _named_by(things, candidates)
    numbers = count(1)
    answer = _answer(things, located, min_score, numbers, ungrounded)
    relations = related(candidates.relations, answer, ontology, min_score)
    events = happened(candidates.events, answer, locator, min_score, numbers)
    return Assembled(
        entities=answer.entities,
        relations=relations.items,
        events=events.items,
        ungrounded=(*ungrounded, *relations.ungrounded, *events.ungrounded),
        by_candidate={candidate: entity.id for candidate, entity in answer.by_candidate.items()},
    )


def _named_by(things: Sequence[Thing], candidates: Candidates) -> list[Thing]:
    named = {end for relation in candidates.relations for end in (relation.head, relation.tail)}
    named |= {argument.entity for event in candidates.events for argument in event.arguments if argument.entity}
    return [thing for thing in things if not named.isdisjoint(thing.candidates)]


def _answer(
    things: Sequence[Thing],
    located: Sequence[LocatedEntity],
    min_score: float,
    numbers: Iterator[int],
    ungrounded: list[Ungrounded],
) -> Answer:
    """Number the things whose score suffices; the others join ``ungrounded``."""
    places = {entity.candidate.id: {place_of(grounding) for grounding in entity.groundings} for entity in located}
    entities: list[Entity] = []
    by_candidate: dict[str, Entity] = {}
    evidence: dict[str, tuple[str, ...]] = {}
    for thing in things:
        best = max(thing.groundings, key=lambda grounding: -1.0 if grounding.score is None else grounding.score)
        if best.score is not None and best.score < min_score:
            ungrounded.append(
                Ungrounded(
                    kind="entity",
                    type=thing.type,
                    text=thing.name,
                    reason=below(best.score, min_score),
                    media_id=best.media_id,
                )
            )
            continue
        groundings = numbered(thing.groundings, numbers)
        entity = Entity(
            id=f"e{len(entities) + 1}",
            type=thing.type,
            name=thing.name,
            score=best.score,
            score_kind="none" if best.score is None else best.score_kind,
            groundings=groundings,
            absent=thing.absent,
        )
        entities.append(entity)
        ids = {place_of(grounding): grounding.id for grounding in groundings}
        for candidate in thing.candidates:
            by_candidate[candidate] = entity
            evidence[candidate] = tuple(ids[place] for place in places[candidate] if place in ids)
    known = {candidate.candidate.id: candidate.candidate.name for candidate in located}
    return Answer(tuple(entities), by_candidate, evidence, known)
