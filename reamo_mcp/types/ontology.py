"""What is looked for: the types of entities, relations and events of one extraction."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field, model_validator

from reamo_mcp.types.record import Record


class EntityType(Record):
    """A kind of thing, such as 'person'. The name is what models read; a description sharpens it."""

    name: str = Field(min_length=1, max_length=80)
    description: str = Field(default="", max_length=400)


class RelationType(Record):
    """A kind of link from head to tail. Empty ``head`` or ``tail`` allow any entity type."""

    name: str = Field(min_length=1, max_length=80)
    description: str = Field(default="", max_length=400)
    head: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    symmetric: bool = False


class Role(Record):
    """A part that an argument plays in an event. Empty ``types`` allow any entity type or a plain value."""

    name: str = Field(min_length=1, max_length=80)
    description: str = Field(default="", max_length=400)
    types: tuple[str, ...] = ()


class EventType(Record):
    """A kind of happening and the roles that take part in it."""

    name: str = Field(min_length=1, max_length=80)
    description: str = Field(default="", max_length=400)
    roles: tuple[Role, ...] = ()


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


class Ontology(Record):
    """The types that one extraction looks for. Names are unique within each list."""

    name: str = "custom"
    description: str = ""
    entity_types: tuple[EntityType, ...] = ()
    relation_types: tuple[RelationType, ...] = ()
    event_types: tuple[EventType, ...] = ()
    nested: bool = Field(default=False, description="Whether entity mentions may lie inside one another")

    @classmethod
    def of(
        cls, *, entity_types: Sequence[str] = (), relation_types: Sequence[str] = (), event_types: Sequence[str] = ()
    ) -> Self:
        """Return an ontology of plain names, without descriptions, constraints or roles."""
        return cls(
            entity_types=tuple(EntityType(name=name) for name in entity_types),
            relation_types=tuple(RelationType(name=name) for name in relation_types),
            event_types=tuple(EventType(name=name) for name in event_types),
        )

    @model_validator(mode="after")
    def _names_are_unique_and_known(self) -> Self:
        entities = [entity.name for entity in self.entity_types]
        relations = [relation.name for relation in self.relation_types]
        events = [event.name for event in self.event_types]
        for what, names in (("entity", entities), ("relation", relations), ("event", events)):
            if repeated := _repeated(names):
                raise ValueError(f"{what} types are listed twice: {', '.join(repeated)}")
        for relation in self.relation_types:
            for end in (*relation.head, *relation.tail):
                if end not in entities:
                    raise ValueError(f"relation type {relation.name!r} names an unknown entity type {end!r}")
        for event in self.event_types:
            if repeated := _repeated([role.name for role in event.roles]):
                raise ValueError(f"event type {event.name!r} lists roles twice: {', '.join(repeated)}")
            for role in event.roles:
                for end in role.types:
                    if end not in entities:
                        raise ValueError(f"role {role.name!r} of {event.name!r} names an unknown entity type {end!r}")
        return self
