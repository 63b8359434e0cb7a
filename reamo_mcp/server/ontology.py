"""The `ontology` argument: the name of one that is installed, a file that the caller may name, or its own JSON."""

import os

from pydantic import ValidationError

from reamo_mcp.errors import InvalidOntology, TooLarge
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.opening import Allowed, open_file, shown
from reamo_mcp.ontologies.installed import ontology_names
from reamo_mcp.ontologies.loading import load_ontology, parse_ontology
from reamo_mcp.settings import Limits
from reamo_mcp.types.ontology import Ontology

_FILES = (".yaml", ".yml", ".json")
_MOST_BYTES = 1 << 20


def ontology_named(written: str, allowed: Allowed, limits: Limits) -> Ontology:
    """Return the ontology. Raises InvalidOntology and the errors of opening a file that may not be named."""
    if written.lstrip().startswith("{"):
        return _given(written)
    if written in ontology_names() or not written.lower().endswith(_FILES):
        return load_ontology(written)  # a name, or the error that lists the names
    with open_file(written, allowed, limits, Unlimited()) as file:
        if file.size > _MOST_BYTES:
            raise TooLarge(f"the ontology file {file.name} is larger than {_MOST_BYTES} bytes", "Shorten it")
        content = os.pread(file.fd, _MOST_BYTES, 0)
    try:
        return parse_ontology(content.decode("utf-8-sig"), file.name)
    except UnicodeDecodeError:
        raise InvalidOntology(f"the ontology file {shown(file.name)} is not UTF-8 text", "Save it as UTF-8") from None


def _given(written: str) -> Ontology:
    try:
        return Ontology.model_validate_json(written)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidOntology(
            f"the ontology given as JSON is not usable at {place!r}: {first['msg']}",
            "Give entity_types, relation_types and event_types as lists of objects with a name",
        ) from None
