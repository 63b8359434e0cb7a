"""Grounded knowledge from files: entities, relations and events, each with proof of where it was seen or heard.

The names below are all that most programs need. They are loaded when first used, so `import reamo_mcp` costs little.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reamo_mcp.client import ReamoClient
    from reamo_mcp.extractor import open_extractor
    from reamo_mcp.types.extraction import Extraction
    from reamo_mcp.types.media import Document
    from reamo_mcp.types.ontology import EntityType, EventType, Ontology, RelationType

__all__ = [
    "Document",
    "EntityType",
    "EventType",
    "Extraction",
    "Ontology",
    "ReamoClient",
    "RelationType",
    "open_extractor",
]

_HOMES = {
    "Document": "reamo_mcp.types.media",
    "EntityType": "reamo_mcp.types.ontology",
    "EventType": "reamo_mcp.types.ontology",
    "Extraction": "reamo_mcp.types.extraction",
    "Ontology": "reamo_mcp.types.ontology",
    "ReamoClient": "reamo_mcp.client",
    "RelationType": "reamo_mcp.types.ontology",
    "open_extractor": "reamo_mcp.extractor",
}


def __getattr__(name: str) -> object:
    """Load a public name from the module where it lives."""
    if name not in _HOMES:
        raise AttributeError(f"module 'reamo_mcp' has no attribute {name!r}")
    value: object = vars(import_module(_HOMES[name]))[name]
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
