"""What a reasoner that knows the truth would answer: the gold of a case as the response to one ask about it."""

import re
from collections.abc import Mapping, Sequence

from reamo_mcp.models.asks import Ask, TextPassage
from reamo_mcp.models.meta_response import MetaArgument, MetaEntity, MetaEvent, MetaMention, MetaRelation, MetaResponse
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
        evidence = _mentions(event.trigger.groundings, ask, media, shown) or _somewhere(event.trigger.text, ask)
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
    said: dict[MetaMention, int] = {}
    mentions: dict[MetaMention, None] = {}
    for place in places:
        medium = media[place.media_id]
        mention = _quoted(place.quote, medium, ask) if place.quote else None
        if mention is not None:
            said[mention] = said.get(mention, 0) + 1
            mentions[mention.model_copy(update={"nth": said[mention]})] = None
        elif medium in shown:
            mentions[MetaMention(source=medium)] = None
    return tuple(mentions)[: ask.form.bounds.mentions]


def _somewhere(trigger: str, ask: Ask) -> tuple[MetaMention, ...]:
    """Say where a trigger is said that the gold gives no place, as none in a picture has one."""
    sources = [one.source for one in ask.passages if isinstance(one, TextPassage) and trigger in one.text]
    return (MetaMention(source=sources[-1], quote=trigger),) if sources else ()


def _quoted(quote: str, medium: str, ask: Ask) -> MetaMention | None:
    """Quote what a text of the medium says, as it says it: in print and speech words stand on lines of their own."""
    words = re.compile(r"\s+".join(re.escape(word) for word in quote.split()))
    for passage in ask.passages:
        if isinstance(passage, TextPassage) and passage.source.split(".")[0] == medium:
            found = words.search(passage.text)
            if found:
                return MetaMention(source=passage.source, quote=found[0])
    return None
