"""From the arguments of a call to the request of a job."""

from reamo_mcp.extractor import Request, Task
from reamo_mcp.jobs import JobRequest
from reamo_mcp.media.opening import Allowed
from reamo_mcp.ontologies.selection import selected
from reamo_mcp.server.calls import Asked, nothing_given
from reamo_mcp.server.ontology import ontology_named
from reamo_mcp.server.parts import parse_part
from reamo_mcp.server.services import Services
from reamo_mcp.types.media import Document


def extraction_request(services: Services, asked: Asked, tasks: tuple[Task, ...], allowed: Allowed) -> JobRequest:
    """Return the request to extract. Raises InvalidArgument, InvalidOntology and the errors of opening its file."""
    ontology = selected(
        ontology_named(asked.ontology, allowed, services.settings.limits),
        entity_types=asked.entity_types,
        relation_types=asked.relation_types,
        event_types=asked.event_types,
    )
    request = Request(
        part=parse_part(asked.part),
        tasks=tasks,
        modalities=tuple(dict.fromkeys(asked.modalities)),
        min_score=asked.min_score,
    )
    return JobRequest(document=_document(asked), ontology=ontology, request=request)


def phrase_request(asked: Asked, phrase: str) -> JobRequest:
    """Return the request to find a phrase. Raises InvalidArgument."""
    request = Request(part=parse_part(asked.part), modalities=tuple(dict.fromkeys(asked.modalities)))
    return JobRequest(document=_document(asked), request=request, phrase=phrase)


def _document(asked: Asked) -> Document:
    if not asked.files and not asked.text:
        raise nothing_given()
    return Document.of(*asked.files, text=asked.text or None)
