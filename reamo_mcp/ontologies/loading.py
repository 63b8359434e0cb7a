"""Read an ontology: one that is installed, or an own file in YAML or JSON.

A file holds the fields of `reamo_mcp.types.ontology.Ontology`; where a type has only a name, the name alone will do::

    name: ships
    entity_types: [person, {name: ship, description: A vessel with a name}]
    relation_types: [{name: captain of, head: person, tail: ship}]
    event_types: [{name: launch, roles: [{name: Ship, types: ship}, Place]}]
"""

from functools import cache
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from reamo_mcp.errors import InvalidOntology
from reamo_mcp.ontologies.installed import FOLDER, ontology_names
from reamo_mcp.types.ontology import Ontology

_MOST_BYTES = 1 << 20
_SUFFIXES = (".yaml", ".yml", ".json")
_LISTS = ("entity_types", "relation_types", "event_types", "roles")
_NAMES = ("head", "tail", "types")
_REMEDY = "See `reamo-mcp schema` for the fields of an ontology"


def load_ontology(name_or_path: str | Path) -> Ontology:
    """Return an installed ontology by its name, or the one in a file. Raises InvalidOntology naming the place.

    The path is opened as it is: a caller that answers to others checks first that they may name it, or reads the file
    itself and calls `parse_ontology`.
    """
    written = str(name_or_path)
    if written in ontology_names():
        return _installed(written)
    path = Path(name_or_path)
    if path.suffix.lower() not in _SUFFIXES:
        raise InvalidOntology(
            f"there is no ontology {written[:80]!r}",
            f"Name one of {', '.join(ontology_names())}, or a file that ends in {', '.join(_SUFFIXES)}",
        )
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError):
        raise InvalidOntology(f"the ontology file {written[:200]!r} cannot be read", "Check its path") from None
    if len(content) > _MOST_BYTES:
        raise InvalidOntology(f"the ontology file {path.name!r} is larger than {_MOST_BYTES} bytes", "Shorten it")
    try:
        return parse_ontology(content.decode("utf-8-sig"), path.name)
    except UnicodeDecodeError:
        raise InvalidOntology(f"the ontology file {path.name!r} is not UTF-8 text", "Save it as UTF-8") from None


@cache
def _installed(name: str) -> Ontology:
    """Return an installed ontology: read once, since every call without types of its own asks for it."""
    return parse_ontology((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), name)


def parse_ontology(text: str, name: str) -> Ontology:
    """Return the ontology written as YAML or JSON (which YAML contains).

    ``name`` is used in errors, and for an ontology that states none. Raises InvalidOntology naming line and field.
    References (YAML aliases) are refused: an ontology needs none, and they can be made to grow without bound.
    """
    if len(text) > _MOST_BYTES:
        raise InvalidOntology(f"the ontology {name!r} is larger than {_MOST_BYTES} characters", "Shorten it")
    from reamo_mcp.ontologies.yaml_content import read_yaml  # yaml is imported only where a file is read

    content, line_of = read_yaml(text, name)
    if not isinstance(content, dict):
        raise InvalidOntology(f"{name}: an ontology is a mapping with entity_types and other lists", _REMEDY)
    fields = _written_out(cast("dict[object, object]", content))
    fields.setdefault("name", Path(name).stem)
    try:
        return Ontology.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        line = line_of(first["loc"])
        where = ", ".join(part for part in (name, f"line {line}" if line else "", field) if part)
        raise InvalidOntology(f"{where}: {first['msg']}", _REMEDY) from None


def _written_out(fields: dict[object, object]) -> dict[str, object]:
    """Return the fields with names alone as records, and one name as a list of one."""
    full: dict[str, object] = {}
    for key, value in fields.items():
        name = str(key)
        if name in _LISTS and isinstance(value, list):
            full[name] = [_as_record(item) for item in cast("list[object]", value)]
        elif name in _LISTS and value is None:
            full[name] = []
        else:
            full[name] = [value] if name in _NAMES and isinstance(value, str) else value
    return full


def _as_record(item: object) -> object:
    if isinstance(item, str):
        return {"name": item}
    return _written_out(cast("dict[object, object]", item)) if isinstance(item, dict) else item
