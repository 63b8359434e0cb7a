"""The answer: entities, relations and events, each with the places that prove it."""

from typing import Literal, Self

from pydantic import Field, model_validator

from reamo_mcp.types.coverage import Coverage
from reamo_mcp.types.grounding import Box, Grounding, ScoreKind, TimeSpan
from reamo_mcp.types.media import OpenedDocument
from reamo_mcp.types.reading import Reading
from reamo_mcp.types.record import Record

SCHEMA_VERSION = "1"


class Entity(Record):
    """A thing and every place where it is said, written or shown.

    ``name`` is empty for a nameless thing (a face). ``absent`` lists the ids of media that were searched for it in
    vain. ``score`` is the best score among its groundings.
    """

    id: str
    type: str
    name: str
    score: float | None = Field(default=None, ge=0, le=1)
    score_kind: ScoreKind = "none"
    groundings: tuple[Grounding, ...] = Field(min_length=1)
    absent: tuple[str, ...] = ()


class Relation(Record):
    """A typed link between two entities; ``evidence`` lists grounding ids."""

    id: str
    type: str
    head: str
    tail: str
    score: float | None = Field(default=None, ge=0, le=1)
    score_kind: ScoreKind = "none"
    evidence: tuple[str, ...] = ()


class Trigger(Record):
    """The words that name a happening, and where they are."""

    text: str
    groundings: tuple[Grounding, ...] = ()


class Argument(Record):
    """A part in an event: an entity by its id, or a plain value with its own groundings."""

    role: str
    entity: str | None = None
    value: str | None = None
    evidence: tuple[str, ...] = ()
    groundings: tuple[Grounding, ...] = Field(default=(), description="Of a value; an entity carries its own")
    score: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _is_an_entity_or_a_value(self) -> Self:
        if (self.entity is None) == (self.value is None):
            raise ValueError("an argument is either an entity or a value")
        return self


class Event(Record):
    """A happening with its trigger and arguments."""

    id: str
    type: str
    trigger: Trigger
    arguments: tuple[Argument, ...] = ()
    score: float | None = Field(default=None, ge=0, le=1)
    score_kind: ScoreKind = "none"


class Call(Record):
    """A request of the reasoner to a module: find ``instruction`` in this medium."""

    id: str
    target: str
    media_id: str
    module: Literal["image_segmenter", "video_tracker", "audio_segmenter"]
    instruction: str
    box: Box | None = None
    time: TimeSpan | None = None
    outcome: Literal["located", "absent", "rejected", "failed"]


class Ungrounded(Record):
    """A claim whose proof failed: kept apart, with the reason, so that nothing disappears silently."""

    kind: Literal["entity", "relation", "event", "argument"]
    type: str
    text: str
    reason: str
    media_id: str | None = None


class EngineModel(Record):
    """A model that took part, and the role it played."""

    role: str
    name: str
    revision: str


class Engine(Record):
    """Which engine answered."""

    profile: str
    version: str
    models: tuple[EngineModel, ...] = ()


class Notice(Record):
    """Something the reader of the answer should know."""

    code: str
    message: str
    media_id: str | None = None
    retryable: bool = Field(default=False, description="A model or the machine failed: ask again")


class Extraction(Record):
    """All that was found in a document, what was read to find it, and what was not read.

    The record validates its own references: ids are unique; relations and arguments name known entities; groundings
    name known media and readings and their quotes equal the slice they point to; evidence names known groundings.
    The text of a text medium stands in the medium itself and is not repeated among the readings.
    """

    schema_version: Literal["1"] = SCHEMA_VERSION
    document: OpenedDocument
    readings: tuple[Reading, ...] = ()
    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    events: tuple[Event, ...] = ()
    calls: tuple[Call, ...] = ()
    ungrounded: tuple[Ungrounded, ...] = ()
    coverage: Coverage = Coverage()
    status: Literal["ok", "partial"] = "ok"
    engine: Engine
    warnings: tuple[Notice, ...] = ()

    @property
    def retryable(self) -> bool:
        """True when the same request may give more: a source, a model or the machine failed on the way."""
        return self.coverage.retryable or any(notice.retryable for notice in self.warnings)

    def groundings(self) -> tuple[Grounding, ...]:
        """Return every grounding of entities, triggers and argument values, in order."""
        return (
            *(grounding for entity in self.entities for grounding in entity.groundings),
            *(grounding for event in self.events for grounding in event.trigger.groundings),
            *(grounding for event in self.events for argument in event.arguments for grounding in argument.groundings),
        )

    @model_validator(mode="after")
    def _references_resolve(self) -> Self:
        media = {medium.id for medium in self.document.media}
        own_texts = {medium.id: medium.text for medium in self.document.media if medium.kind == "text"}
        texts = {reading.id: reading.text for reading in self.readings}
        owners = {reading.id: reading.media_id for reading in self.readings}
        entities = {entity.id for entity in self.entities}
        groundings = self.groundings()
        places = {grounding.id for grounding in groundings}
        counts = (
            ("medium", media, len(self.document.media)),
            ("reading", texts, len(self.readings)),
            ("entity", entities, len(self.entities)),
            ("grounding", places, len(groundings)),
            ("event", {event.id for event in self.events}, len(self.events)),
            ("relation", {relation.id for relation in self.relations}, len(self.relations)),
        )
        for what, distinct, count in counts:
            if len(distinct) != count:
                raise ValueError(f"{what} ids are not unique")
        for grounding in groundings:
            if grounding.media_id not in media:
                raise ValueError(f"grounding {grounding.id} is in an unknown medium {grounding.media_id!r}")
            _check_quote(grounding, own_texts, texts, owners)
        for entity in self.entities:
            if not media.issuperset(entity.absent):
                raise ValueError(f"entity {entity.id} is absent from unknown media")
        for relation in self.relations:
            if not entities.issuperset((relation.head, relation.tail)):
                raise ValueError(f"relation {relation.id} names an unknown entity")
            if not places.issuperset(relation.evidence):
                raise ValueError(f"relation {relation.id} names unknown evidence")
        for event in self.events:
            for argument in event.arguments:
                if argument.entity is not None and argument.entity not in entities:
                    raise ValueError(f"event {event.id} names an unknown entity")
                if not places.issuperset(argument.evidence):
                    raise ValueError(f"event {event.id} names unknown evidence")
        return self


def _check_quote(
    grounding: Grounding, own_texts: dict[str, str], texts: dict[str, str], owners: dict[str, str]
) -> None:
    via = grounding.via
    if via is not None:
        if owners.get(via.reading) != grounding.media_id:
            raise ValueError(f"grounding {grounding.id} goes through a reading of another medium")
        said = texts[via.reading][via.start : via.end]
    elif grounding.kind == "text_span" and grounding.media_id in own_texts:
        said = own_texts[grounding.media_id][grounding.start : grounding.end]
    else:
        return
    if grounding.quote is not None and said != grounding.quote:
        raise ValueError(f"grounding {grounding.id} quotes what its source does not say")
