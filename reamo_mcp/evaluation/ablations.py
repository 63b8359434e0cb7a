"""The engine without one of its parts: how much does the part give?

- ``-joint``: every medium is read and answered by itself; what has the same type and an equal name is then one entity.
  Nothing that one medium says helps to find something in another.
- ``-instruction``: modules get the name of a thing as their phrase, not the instruction that the reasoner wrote (the
  paper's meta-response has one for this purpose).
- ``-verify``: what failed its proof is believed. Claims without proof join the answer, and where a module saw nothing
  the reasoner's own hint is taken for the place. Relations between things that were never told stay lost.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from reamo_mcp.evaluation.case import Case
from reamo_mcp.evaluation.engines import WANTED, ExtractorAnswers
from reamo_mcp.evaluation.facts import folded
from reamo_mcp.extractor import Extractor, Request
from reamo_mcp.isolation.control import Control
from reamo_mcp.models.asks import Ask, Capacity
from reamo_mcp.models.meta_response import MetaResponse
from reamo_mcp.models.roles import Answer, Found, ModelCard, Reasoned, Reasoner
from reamo_mcp.types.coverage import Coverage, MediumCoverage
from reamo_mcp.types.extraction import Argument, Call, Entity, Event, Extraction, Relation, Trigger
from reamo_mcp.types.grounding import AudioSegment, Grounding, ImageRegion, Provenance, Whole
from reamo_mcp.types.media import Document, Medium, OpenedDocument
from reamo_mcp.types.ontology import Ontology

_CLAIMED = Provenance(model="claim", step="propose")


class SeparateAnswers(ExtractorAnswers):
    """``-joint``: one extraction for each medium, put together by names."""

    def __init__(self, extractor: Extractor) -> None:
        super().__init__(extractor, "-joint")

    async def answer(self, case: Case, folder: Path) -> Extraction:
        """Return what the media say one by one."""
        request = Request(tasks=WANTED[case.task])
        parts = [
            await self._extractor.extract(Document(sources=(source,)), case.ontology, request=request)
            for source in case.document(folder).sources
        ]
        return together(parts)


class UnverifiedAnswers(ExtractorAnswers):
    """``-verify``: the extraction with all that it kept apart for want of proof."""

    def __init__(self, extractor: Extractor) -> None:
        super().__init__(extractor, "-verify")

    async def answer(self, case: Case, folder: Path) -> Extraction:
        """Return what was found and what was only claimed."""
        return believed(await super().answer(case, folder), case.ontology)


class NamingReasoner:
    """``-instruction``: a reasoner whose calls carry the name of their target as the phrase."""

    def __init__(self, reasoner: Reasoner) -> None:
        self._reasoner = reasoner

    @property
    def card(self) -> ModelCard:
        """What the reasoner is."""
        card = self._reasoner.card
        return card.model_copy(update={"name": f"{card.name} -instruction"})

    @property
    def capacity(self) -> Capacity:
        """What one ask may hold."""
        return self._reasoner.capacity

    def reason(self, asks: Sequence[Ask], budget: int, control: Control) -> "list[Answer[Reasoned]]":
        """Return the answers, their calls with names for instructions."""
        answers = self._reasoner.reason(asks, budget, control)
        return [_named(answer, ask) for ask, answer in zip(asks, answers, strict=True)]


def _named(answer: Answer[Reasoned], ask: Ask) -> Answer[Reasoned]:
    if not isinstance(answer, Found):
        return answer
    return Found(tuple(one.model_copy(update={"response": _with_names(one.response, ask)}) for one in answer.items))


def _with_names(response: MetaResponse, ask: Ask) -> MetaResponse:
    names = {known.id: known.name or known.type for known in ask.known}
    names |= {entity.id: entity.name or entity.type for entity in response.entities}
    names |= {event.id: event.trigger for event in response.events}
    calls = tuple(
        call.model_copy(update={"instruction": names.get(call.target, call.instruction)}) for call in response.calls
    )
    return response.model_copy(update={"calls": calls})


def together(parts: Sequence[Extraction]) -> Extraction:
    """Return one extraction of several that have one medium each; equal names of a type are one entity.

    Readings are left out, and with them the way through which a place was found.
    """
    union = _Union()
    for part in parts:
        union.add(part)
    return Extraction(
        document=OpenedDocument(id="separate", media=tuple(union.media)),
        entities=tuple(union.entities.values()),
        relations=tuple(union.relations.values()),
        events=tuple(union.events),
        coverage=Coverage(
            media=tuple(union.covered), failed=tuple(failed for part in parts for failed in part.coverage.failed)
        ),
        engine=parts[0].engine,
    )


class _Union:
    """Parts put together one after another, everything numbered anew."""

    def __init__(self) -> None:
        self.media: list[Medium] = []
        self.covered: list[MediumCoverage] = []
        self.entities: dict[tuple[str, str], Entity] = {}
        self.relations: dict[tuple[str, str, str], Relation] = {}
        self.events: list[Event] = []
        self._places = count(1)

    def add(self, part: Extraction) -> None:
        media_id = f"m{len(self.media) + 1}"
        self.media += [medium.model_copy(update={"id": media_id}) for medium in part.document.media]
        self.covered += [covered.model_copy(update={"media_id": media_id}) for covered in part.coverage.media]
        own = {entity.id: self._entity(entity, media_id) for entity in part.entities}
        for link in part.relations:
            new = {"id": f"r{len(self.relations) + 1}", "head": own[link.head], "tail": own[link.tail], "evidence": ()}
            self.relations.setdefault((link.type, own[link.head], own[link.tail]), link.model_copy(update=new))
        for event in part.events:
            trigger = Trigger(text=event.trigger.text, groundings=self._placed(event.trigger.groundings, media_id))
            arguments = tuple(self._argument(argument, own, media_id) for argument in event.arguments)
            new = {"id": f"v{len(self.events) + 1}", "trigger": trigger, "arguments": arguments}
            self.events.append(event.model_copy(update=new))

    def _entity(self, entity: Entity, media_id: str) -> str:
        key = (entity.type, folded(entity.name) or f"nameless {media_id} {entity.id}")
        known = self.entities.get(key)
        places = (*(known.groundings if known else ()), *self._placed(entity.groundings, media_id))
        identity = known.id if known else f"e{len(self.entities) + 1}"
        new = {"id": identity, "groundings": places, "absent": ()}
        self.entities[key] = (known or entity).model_copy(update=new)
        return identity

    def _argument(self, argument: Argument, own: dict[str, str], media_id: str) -> Argument:
        entity = own[argument.entity] if argument.entity else None
        places = self._placed(argument.groundings, media_id)
        return argument.model_copy(update={"entity": entity, "evidence": (), "groundings": places})

    def _placed(self, groundings: Sequence[Grounding], media_id: str) -> tuple[Grounding, ...]:
        return tuple(
            place.model_copy(update={"id": f"g{next(self._places)}", "media_id": media_id, "via": None})
            for place in groundings
        )


def believed(found: Extraction, ontology: Ontology) -> Extraction:
    """Return an extraction in which what failed its proof stands beside what did not."""
    types = {kind.name for kind in ontology.entity_types}
    somewhere = found.document.media[0].id
    numbers = count(1)

    def claimed(media_id: str | None) -> Whole:
        return Whole(id=f"claim{next(numbers)}", media_id=media_id or somewhere, provenance=_CLAIMED)

    hints: dict[str, list[Call]] = {}
    for call in found.calls:
        if call.outcome == "absent":
            hints.setdefault(call.target, []).append(call)
    entities = [
        entity.model_copy(
            update={
                "groundings": (*entity.groundings, *_hinted(hints.get(entity.id, ()), found.document, numbers)),
                "absent": (),
            }
        )
        for entity in found.entities
    ]
    events = list(found.events)
    for claim in found.ungrounded:
        if claim.kind == "entity" and claim.type in types and claim.text:
            place = claimed(claim.media_id)
            entities.append(Entity(id=f"u{len(entities)}", type=claim.type, name=claim.text, groundings=(place,)))
        elif claim.kind == "event":
            events.append(Event(id=f"u{len(events)}", type=claim.type, trigger=Trigger(text=claim.text, groundings=())))
        elif claim.kind == "argument" and ": " in claim.type:
            kind, _, role = claim.type.partition(": ")
            _join(events, kind, role, claim.text)
    return found.model_copy(update={"entities": tuple(entities), "events": tuple(events), "ungrounded": ()})


def _hinted(calls: Sequence[Call], document: OpenedDocument, numbers: Iterator[int]) -> Iterator[Grounding]:
    """Yield the places that calls hint at: a box in a picture, a stretch of a recording."""
    for call in calls:
        identity, medium = f"claim{next(numbers)}", document.medium(call.media_id)
        if medium is not None and medium.kind == "image" and call.box is not None:
            yield ImageRegion(id=identity, media_id=medium.id, parts=(call.box,), provenance=_CLAIMED)
        elif medium is not None and medium.kind == "audio" and call.time is not None:
            start, end = call.time.start, call.time.end
            yield AudioSegment(id=identity, media_id=medium.id, start=start, end=end, provenance=_CLAIMED)


def _join(events: list[Event], kind: str, role: str, said: str) -> None:
    """Give a claimed argument to the first event of its type."""
    for index, event in enumerate(events):
        if event.type == kind and said:
            events[index] = event.model_copy(update={"arguments": (*event.arguments, Argument(role=role, value=said))})
            return
