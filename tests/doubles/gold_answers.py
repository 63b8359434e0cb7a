"""What a reasoner that knows the truth would answer: the gold of a case as the response to one ask about it."""

import re
from collections.abc import Iterator, Mapping, Sequence

from reamo_mcp.models.asks import Ask, TextPassage
from reamo_mcp.models.meta_response import (
    MetaArgument,
    MetaCall,
    MetaEntity,
    MetaEvent,
    MetaMention,
    MetaRelation,
    MetaResponse,
    ModuleName,
)
from reamo_mcp.types.extraction import Entity, Extraction
from reamo_mcp.types.grounding import AudioSegment, Grounding, ImageRegion, VideoTrack
from tests.doubles.oracle_modules import phrase_of


def gold_response(gold: Extraction, ask: Ask, media: Mapping[str, str]) -> MetaResponse:
    """Return what the gold says of what an ask shows; ``media`` gives the ask's id of each medium of the gold.

    A thing that is known keeps its number. It is quoted where a text that is shown says it, and else claimed of its
    medium as a whole; where the gold has a drawing or a sound of it, the module that the ask offers for it is called.
    """
    shown = set(ask.form.sources)
    numbers: dict[str, str] = {}
    known = {(one.type, one.name): one.id for one in ask.known}
    entities: list[MetaEntity] = []
    calls: list[MetaCall] = []
    for entity in gold.entities:
        mentions = _mentions(entity.groundings, ask, media, shown)
        if mentions:
            numbers[entity.id] = known.get((entity.type, entity.name), f"e{len(known) + len(numbers) + 1}")
            entities.append(MetaEntity(id=numbers[entity.id], type=entity.type, name=entity.name, mentions=mentions))
            calls += _calls(entity, numbers[entity.id], ask, media)
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
    return MetaResponse(entities=tuple(entities), relations=relations, events=tuple(events), calls=tuple(calls))


def _calls(entity: Entity, number: str, ask: Ask, media: Mapping[str, str]) -> Iterator[MetaCall]:
    modules: dict[type[Grounding], ModuleName] = {
        ImageRegion: "image_segmenter",
        VideoTrack: "video_tracker",
        AudioSegment: "audio_segmenter",
    }
    places: dict[tuple[str, ModuleName], Grounding] = {
        (media[one.media_id], modules[type(one)]): one for one in entity.groundings if not one.quote
    }
    for (medium, module), place in places.items():
        if (medium, module) not in ask.form.modules:
            continue
        box = time = None
        if isinstance(place, ImageRegion):
            part = place.parts[0]
            box = (part.x, part.y, part.right, part.bottom)
        if isinstance(place, VideoTrack):
            time = (place.start, place.end)
        yield MetaCall(target=number, medium=medium, module=module, instruction=phrase_of(entity), box=box, time=time)


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
