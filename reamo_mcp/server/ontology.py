"""The `ontology` argument: the name of one that is installed, a file below the roots, or its own JSON."""

from pydantic import ValidationError

from reamo_mcp.errors import InvalidOntology
from reamo_mcp.ontologies.loading import load_ontology
from reamo_mcp.server.services import Services
from reamo_mcp.types.ontology import Ontology


def ontology_named(written: str, services: Services) -> Ontology:
    """Return the ontology. Raises InvalidOntology and the errors of opening a file."""
    if not written.lstrip().startswith("{"):
        return load_ontology(written)
    try:
        return Ontology.model_validate_json(written)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidOntology(
            f"the ontology given as JSON is not usable at {place!r}: {first['msg']}",
            "Give entity_types, relation_types and event_types as lists of objects with a name",
        ) from None
