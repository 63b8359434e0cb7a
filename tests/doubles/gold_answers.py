"""What a reasoner that knows the truth would answer: the gold of a case as the response to one ask about it."""

from collections.abc import Mapping, Sequence

from reamo_mcp.models.meta_response import MetaArgument, MetaEntity, MetaEvent, MetaMention, MetaRelation, MetaResponse
from reamo_mcp.models.roles import Ask, TextPassage
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.grounding import Grounding


def gold_response(gold: Extraction, ask: Ask, media: Mapping[str, str]) -> MetaResponse:
    """Return what the gold says of what an ask shows; ``media`` gives the ask's id of each medium of the gold.

    A thing is quoted where a text that is shown says it, and else claimed of its medium as a whole.
    """
    shown = set(ask.form.sources)
    numbers: dict[str, str] = {}
    entities: list[MetaEntity] = []
    for entity in gold.entities:
        mentions = _mentions(entity.groundings, ask, media, shown)
        if mentions:
            numbers[entity.id] = f"e{len(numbers) + 1}"
            entities.append(MetaEntity(id=numbers[entity.id], type=entity.type, name=entity.name, mentions=mentions))
    events: list[MetaEvent] = []
    for event in gold.events:
        evidence = _mentions(event.trigger.groundings, ask, media, shown)
        if evidence:
            arguments = tuple(
                MetaArgument(role=one.role, entity=numbers[one.entity])
                if one.entity
                else MetaArgument(role=one.role, value=one.value)
                for one in event.arguments
                if one.value or one.entity in numbers
            )
            told = MetaEvent(
                id=f"v{len(events) + 1}",
                type=event.type,
                trigger=event.trigger.text,
                evidence=evidence,
                arguments=arguments,
            )
            events.append(told)
    relations = tuple(
        MetaRelation(type=one.type, head=numbers[one.head], tail=numbers[one.tail])
        for one in gold.relations
        if one.head in numbers and one.tail in numbers
    )
    return MetaResponse(entities=tuple(entities), relations=relations, events=tuple(events))


def _mentions(
    places: Sequence[Grounding], ask: Ask, media: Mapping[str, str], shown: set[str]
) -> tuple[MetaMention, ...]:
    said: dict[tuple[str, str], int] = {}
    mentions: dict[MetaMention, None] = {}
    for place in places:
        medium = media[place.media_id]
        source = _source(place.quote or "", medium, ask)
        if source:
            nth = said[source, place.quote or ""] = said.get((source, place.quote or ""), 0) + 1
            mentions[MetaMention(source=source, quote=place.quote or "", nth=nth)] = None
        elif medium in shown:
            mentions[MetaMention(source=medium)] = None
    return tuple(mentions)[: ask.form.bounds.mentions]


def _source(quote: str, medium: str, ask: Ask) -> str:
    for passage in ask.passages:
        if isinstance(passage, TextPassage) and quote and quote in passage.text:
            if passage.source == medium or passage.source.startswith(f"{medium}."):
                return passage.source
    return ""
