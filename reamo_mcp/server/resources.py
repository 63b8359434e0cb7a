"""Results, their proof, ontologies and the state of the server as MCP resources. Whatever matters is also a tool."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar, cast

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from reamo_mcp.errors import ReamoError
from reamo_mcp.server.calls import allowed_files
from reamo_mcp.server.services import Services, ToolContext

if TYPE_CHECKING:
    from reamo_mcp.media.opening import Allowed

T = TypeVar("T")
RECORD_PART = 800_000
"""Characters of one part of a record: clients refuse single messages above a megabyte."""

_JSON = "application/json"
_MOST_COMPLETIONS = 100


def add_resources(server: MCPServer[Services], current: Callable[[], Services | None]) -> None:
    """Offer the resources and templates, with completion of their ids and names.

    ``current`` returns the services while the server runs: the SDK hands no context to completions and to resources
    without parameters.
    """

    @server.resource("reamo://status", name="status", title="State of the server", mime_type=_JSON)
    async def status() -> str:
        """Engine, models, folders, queue and limits, as server_status tells them."""
        from reamo_mcp.server.status import state_of

        services = current()
        if services is None:
            raise ResourceNotFoundError("the server is not running")
        return (await state_of(services)).model_dump_json()

    @server.resource("reamo://results/{result_id}", name="result", title="First page of a result", mime_type=_JSON)
    async def result(context: Context, result_id: str) -> str:
        """The first page of a finished result, as get_result answers it."""
        from reamo_mcp.server.reading_results import first_page

        return await _or_not_found(first_page(_services(context), result_id))

    @server.resource(
        "reamo://results/{result_id}/record{?part}", name="record", title="A whole result", mime_type=_JSON
    )
    async def record(context: Context, result_id: str, part: int = 0) -> str:
        """The record of a finished result as JSON, in parts of 800,000 characters; a shorter part is the last."""
        from reamo_mcp.server.reading_results import record_part

        return await _or_not_found(record_part(_services(context), result_id, part, RECORD_PART))

    # The more special ones first: the general one would take "e1.mp4" for an id.
    @server.resource(
        "reamo://evidence/{result_id}/{item}.mp4", name="film", title="The moment of a video", mime_type="video/mp4"
    )
    async def film(context: Context, result_id: str, item: str) -> bytes:
        """The moment of a video behind an item of a result, with what was followed framed; at most 15 seconds."""
        from reamo_mcp.server.reading_results import evidence_clip

        return await _or_not_found(evidence_clip(_services(context), result_id, item, "video", _allowed(context)))

    @server.resource(
        "reamo://evidence/{result_id}/{item}.mp3",
        name="sound",
        title="The moment of a recording",
        mime_type="audio/mpeg",
    )
    async def sound(context: Context, result_id: str, item: str) -> bytes:
        """The moment of a recording behind an item of a result; at most 15 seconds."""
        from reamo_mcp.server.reading_results import evidence_clip

        return await _or_not_found(evidence_clip(_services(context), result_id, item, "audio", _allowed(context)))

    @server.resource(
        "reamo://evidence/{result_id}/{item}.jpg", name="sight", title="The place in a picture", mime_type="image/jpeg"
    )
    async def sight(context: Context, result_id: str, item: str) -> bytes:
        """The part of the picture, page or video frame behind an item of a result, with the place framed."""
        from reamo_mcp.server.reading_results import evidence_picture

        return await _or_not_found(evidence_picture(_services(context), result_id, item, _allowed(context)))

    @server.resource(
        "reamo://evidence/{result_id}/{item}", name="evidence", title="The proof in words", mime_type=_JSON
    )
    async def evidence(context: Context, result_id: str, item: str) -> str:
        """The quotes behind an item of a result in their context, and where they stand, as show_evidence answers."""
        from reamo_mcp.server.reading_results import evidence_record

        return await _or_not_found(evidence_record(_services(context), result_id, item))

    @server.resource("reamo://ontologies/{name}", name="ontology", title="An ontology", mime_type=_JSON)
    async def ontology(name: str) -> str:
        """The types that an ontology of this installation looks for."""
        from reamo_mcp.server.reading_results import ontology_record

        return await _or_not_found(ontology_record(name))

    @server.completion()
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        if not isinstance(ref, ResourceTemplateReference):
            return None
        from reamo_mcp.ontologies.installed import ontology_names
        from reamo_mcp.server.reading_results import items_offered, results_offered

        services = current()
        offered: list[str] = []
        if argument.name == "name":
            offered = list(ontology_names())
        elif argument.name == "result_id" and services is not None:
            offered = results_offered(services)
        elif argument.name == "item" and services is not None and context is not None:
            offered = await items_offered(services, (context.arguments or {}).get("result_id", ""))
        fitting = [value for value in offered if value.startswith(argument.value)]
        return Completion(values=fitting[:_MOST_COMPLETIONS], total=len(fitting))


def _services(context: Context) -> Services:
    services = context.request_context.lifespan_context
    if not isinstance(services, Services):
        raise TypeError("the lifespan of this server is not ours")
    return services


def _allowed(context: Context) -> "Allowed":
    _services(context)
    return allowed_files(cast("ToolContext", context))


async def _or_not_found(content: Awaitable[T]) -> T:
    try:
        return await content
    except ReamoError as error:
        raise ResourceNotFoundError(f"[{error.code}] {error}") from error
