"""What the resources read: finished results, their proof, and ontologies."""

from typing import TYPE_CHECKING

import anyio.to_thread

from reamo_mcp.errors import InvalidArgument, ResultExpired
from reamo_mcp.server.services import Services
from reamo_mcp.types.extraction import Extraction

if TYPE_CHECKING:
    from reamo_mcp.media.opening import Allowed
    from reamo_mcp.types.media import MediaKind

_AROUND = 120  # characters


async def finished_result(services: Services, result_id: str) -> Extraction:
    """Return a finished result. Raises ResultExpired, also while the work goes on."""
    jobs = await services.jobs()
    extraction = await jobs.finished_result(result_id)
    if extraction is None:
        raise ResultExpired(
            f"no finished result {result_id[:40]!r} is kept here",
            "Call get_result to wait for it or resume it",
        )
    return extraction


async def first_page(services: Services, result_id: str) -> str:
    """Return the first page of a finished result as JSON."""
    from reamo_mcp.server.items import Wanted
    from reamo_mcp.server.pages import answer_page

    return answer_page(result_id, await finished_result(services, result_id), Wanted(), limit=50).model_dump_json(
        exclude_defaults=True
    )


async def record_part(services: Services, result_id: str, part: int, length: int) -> str:
    """Return one part of the JSON of a finished result; parts count from 0, those beyond the end are empty."""
    if part < 0:
        raise InvalidArgument("there is no part before 0", "Parts count from 0")
    extraction = await finished_result(services, result_id)
    text = await anyio.to_thread.run_sync(extraction.model_dump_json)
    return text[part * length : (part + 1) * length]


async def evidence_record(services: Services, result_id: str, item: str) -> str:
    """Return the proof of an item in words as JSON."""
    from reamo_mcp.server.showing import evidence_of

    extraction = await finished_result(services, result_id)
    return evidence_of(result_id, extraction, [item], _AROUND).model_dump_json(exclude_defaults=True)


async def evidence_picture(services: Services, result_id: str, item: str, allowed: "Allowed") -> bytes:
    """Return a JPEG of the first place of an item that can be seen."""
    from reamo_mcp.server.showing import places_of, seen

    extraction = await finished_result(services, result_id)
    return await seen(services, result_id, extraction, places_of(extraction, [item]), allowed)


async def evidence_clip(services: Services, result_id: str, item: str, kind: "MediaKind", allowed: "Allowed") -> bytes:
    """Return the clip of the first moment of an item."""
    from reamo_mcp.server.showing import clip

    return await clip(services, result_id, await finished_result(services, result_id), item, kind, allowed)


async def items_offered(services: Services, result_id: str) -> list[str]:
    """Return the ids that a finished result has, none if it is not at hand."""
    if services.working is None:
        return []
    from reamo_mcp.server.showing import ids_of

    extraction = await services.working.finished_result(result_id)
    return [] if extraction is None else list(ids_of(extraction))


async def ontology_record(name: str) -> str:
    """Return an ontology of this installation as JSON. Raises InvalidOntology."""
    from reamo_mcp.ontologies.loading import load_ontology

    return (await anyio.to_thread.run_sync(load_ontology, name)).model_dump_json()


def results_offered(services: Services) -> list[str]:
    """Return the handles at hand, latest first; none where several callers share the server."""
    if services.transport == "http" or services.working is None:
        return []
    return list(reversed(services.working.finished))
