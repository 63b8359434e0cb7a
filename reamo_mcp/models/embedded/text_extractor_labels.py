"""The words in which a type is put to the text extractor; training and use must agree on them."""

from typing import Literal

from reamo_mcp.types.ontology import EntityType, EventType, RelationType, Role

Kind = Literal["entity", "event", "role", "relation"]
"""A role in an event has no text of its own: its vector is the sum of those of the role and of the event."""


def plain(name: str) -> str:
    """Return a name as words: ``Adverse_event`` is read as "adverse event"."""
    return " ".join(name.replace("_", " ").replace("-", " ").lower().split())


def label_text(kind: Kind, name: str, description: str = "") -> str:
    """Return what the encoder reads for one type."""
    told = description.strip().rstrip(".").lower()
    return f"{kind}: {plain(name)}" + (f": {told}" if told else "")


def entity_text(kind: EntityType) -> str:
    """Return the text of an entity type."""
    return label_text("entity", kind.name, kind.description)


def event_text(kind: EventType) -> str:
    """Return the text of an event type."""
    return label_text("event", kind.name, kind.description)


def relation_text(kind: RelationType) -> str:
    """Return the text of a relation type."""
    return label_text("relation", kind.name, kind.description)


def role_text(role: Role) -> str:
    """Return the text by which phrases that may fill a role are found, whatever the event."""
    return label_text("role", role.name, role.description)
