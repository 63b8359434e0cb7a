"""Schemas without what no reader needs: hosts pay for each byte of the list of tools in every conversation.

What is left out here is still checked: arguments and answers are validated against the models themselves.
"""

from typing import Any, cast

_EMPTY: tuple[object, ...] = ("", [], None)
_BOUNDS = frozenset(("minLength", "maxLength", "maxItems", "minimum"))


def compact_input(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema without titles (they repeat names), empty defaults and bounds that few calls meet."""
    compact: dict[str, Any] = {}
    for name, value in schema.items():
        if name == "title" or name in _BOUNDS or (name == "default" and value in _EMPTY):
            continue
        if name == "properties":
            compact[name] = {key: compact_input(inner) for key, inner in _objects(value)}
        elif name == "items":
            compact[name] = compact_input(value)
        else:
            compact[name] = value
    return compact


def compact_output(schema: dict[str, Any], definitions: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the schema without titles, defaults, descriptions, nulls (never sent) and types that go without saying.

    References are replaced by what they name; a schema that refers to itself is not supported.
    """
    known: dict[str, Any] = schema.get("$defs", {}) if definitions is None else definitions
    compact: dict[str, Any] = {}
    for name, value in schema.items():
        if name in ("title", "default", "description", "additionalProperties", "$defs"):
            continue
        if name == "properties":
            compact[name] = {key: compact_output(inner, known) for key, inner in _objects(value)}
        elif name == "$ref":
            compact |= compact_output(known[str(value).rpartition("/")[2]], known)
        elif name == "items" and dict(_objects(value)) != {"type": "string"}:
            compact[name] = compact_output(value, known)
        elif name == "anyOf":
            kinds = [kind for kind in cast("list[dict[str, Any]]", value) if kind != {"type": "null"}]
            compact |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
        elif name != "items" and not (name == "type" and "enum" in schema):
            compact[name] = value
    return compact


def _objects(value: Any) -> list[tuple[str, Any]]:
    return list(cast("dict[str, Any]", value).items())
