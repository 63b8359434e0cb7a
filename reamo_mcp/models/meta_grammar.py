"""The JSON schema of the meta-responses that one ask allows: the grammar that decoding is bound to.

Ids of sources, types, roles of each event type, and pairs of medium and module are enumerated, and every array and
string is bounded, so that no answer runs away. What a grammar cannot know (whether an id was defined, whether a quote
is said) is checked afterwards. The schema states keys in the order in which `written` writes them, since constrained
decoding keeps that order.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from pydantic import Field

from reamo_mcp.models.meta_response import ModuleName
from reamo_mcp.types.ontology import EventType, Ontology
from reamo_mcp.types.record import Record

Schema: TypeAlias = dict[str, Any]
"""A JSON schema: what json can hold."""

_PLAIN_CHARACTERS = r'^[^"\\\x00-\x1f\x7f]{%d,%d}$'
_CORNER = 20_000  # the largest pixel coordinate that can be written


class Bounds(Record):
    """The most of each that one answer holds. What does not fit is asked for again."""

    entities: int = Field(default=40, ge=1)
    mentions: int = Field(default=6, ge=1)
    relations: int = Field(default=40, ge=1)
    events: int = Field(default=20, ge=1)
    arguments: int = Field(default=10, ge=1)
    calls: int = Field(default=40, ge=1)
    characters: int = Field(default=200, ge=8, description="Of one string")


class Form(Record):
    """What an answer may name: sources to quote from, modules to call, and the types of the ontology."""

    sources: tuple[str, ...] = Field(min_length=1)
    modules: tuple[tuple[str, ModuleName], ...] = Field(default=(), description="Pairs of medium and module")
    ontology: Ontology = Ontology()
    bounds: Bounds = Bounds()


def grammar(form: Form) -> Schema:
    """Return the JSON schema of the answers that the form allows."""
    bounds, ontology = form.bounds, form.ontology
    mentions = _array(_mention(form), bounds.mentions, least=1)
    entity = _object(
        ("id", _id("e")),
        ("type", _one_of([kind.name for kind in ontology.entity_types])),
        ("name", _string(bounds.characters, least=0)),
        ("mentions", mentions),
    )
    relation = _object(
        ("type", _one_of([kind.name for kind in ontology.relation_types])),
        ("head", _id("e")),
        ("tail", _id("e")),
        ("evidence", mentions),
        optional=("evidence",),
    )
    events = [_event(kind, mentions, bounds) for kind in ontology.event_types]
    calls = list(_calls(form))
    has_entities = bool(ontology.entity_types)
    return _object(
        ("entities", _array(entity, bounds.entities) if has_entities else _EMPTY),
        ("relations", _array(relation, bounds.relations) if has_entities and ontology.relation_types else _EMPTY),
        ("events", _array(_any_of(events), bounds.events) if events else _EMPTY),
        ("calls", _array(_any_of(calls), bounds.calls) if calls else _EMPTY),
        ("more", {"type": "boolean"}),
    )


def with_patterns_for_lengths(schema: Schema) -> Schema:
    """Return the same schema with a pattern in place of each ``maxLength``.

    xgrammar, which some servers decode with, lets control characters into strings of bounded length.
    """
    return {key: _rewritten(value) for key, value in _bounded_string(schema).items()}


def _rewritten(value: Any) -> Any:
    match value:
        case {**schema}:
            return with_patterns_for_lengths(schema)
        case [*items]:
            return [_rewritten(item) for item in items]
        case _:
            return value


def _bounded_string(schema: Schema) -> Schema:
    if schema.get("type") != "string" or "maxLength" not in schema:
        return schema
    plain = {key: value for key, value in schema.items() if key not in ("minLength", "maxLength")}
    return {**plain, "pattern": _PLAIN_CHARACTERS % (schema.get("minLength", 0), schema["maxLength"])}


_EMPTY: Schema = {"type": "array", "maxItems": 0}


def _object(*members: tuple[str, Schema], optional: Sequence[str] = ()) -> Schema:
    return {
        "type": "object",
        "properties": dict(members),
        "required": [name for name, _ in members if name not in optional],
        "additionalProperties": False,
    }


def _array(item: Schema, most: int, *, least: int = 0) -> Schema:
    return {"type": "array", "items": item, "minItems": least, "maxItems": most}


def _any_of(schemas: Sequence[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}


def _one_of(names: Sequence[str]) -> Schema:
    return {"type": "string", "enum": list(names)}


def _string(most: int, *, least: int = 1) -> Schema:
    return {"type": "string", "minLength": least, "maxLength": most}


def _id(letter: str) -> Schema:
    return {"type": "string", "pattern": f"^{letter}[1-9][0-9]{{0,3}}$"}


def _mention(form: Form) -> Schema:
    return _object(
        ("in", _one_of(form.sources)),
        ("quote", _string(form.bounds.characters)),
        ("nth", {"type": "integer", "minimum": 1, "maximum": 99}),
        optional=("quote", "nth"),
    )


def _event(kind: EventType, mentions: Schema, bounds: Bounds) -> Schema:
    role = _one_of([role.name for role in kind.roles]) if kind.roles else _string(40)
    argument = _any_of(
        [
            _object(("role", role), ("entity", _id("e"))),
            _object(("role", role), ("value", _string(bounds.characters))),
        ]
    )
    return _object(
        ("id", _id("v")),
        ("type", _one_of([kind.name])),
        ("trigger", _string(bounds.characters)),
        ("evidence", mentions),
        ("arguments", _array(argument, bounds.arguments)),
        optional=("arguments",),
    )


def _calls(form: Form) -> Iterator[Schema]:
    number: Schema = {"type": "integer", "minimum": 0, "maximum": _CORNER}
    second: Schema = {"type": "number", "minimum": 0, "maximum": 1_000_000}
    for medium, module in form.modules:
        members: list[tuple[str, Schema]] = [
            ("target", {"type": "string", "pattern": "^[ev][1-9][0-9]{0,3}$"}),
            ("medium", _one_of([medium])),
            ("module", _one_of([module])),
            ("instruction", _string(form.bounds.characters)),
        ]
        if module != "audio_segmenter":
            members.append(("box", {"type": "array", "items": number, "minItems": 4, "maxItems": 4}))
        if module != "image_segmenter":
            members.append(("time", {"type": "array", "items": second, "minItems": 2, "maxItems": 2}))
        yield _object(*members, optional=("box", "time"))
