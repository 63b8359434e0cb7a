"""Results, ontologies and the state of the server as MCP resources. Whatever matters is also a tool."""

from collections.abc import Awaitable, Callable

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
from reamo_mcp.server.services import Services

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
        from reamo_mcp.server.reading_results import results_offered

        services = current()
        offered: list[str] = []
        if argument.name == "name":
            offered = list(ontology_names())
        elif argument.name == "result_id" and services is not None:
            offered = results_offered(services)
        fitting = [value for value in offered if value.startswith(argument.value)]
        return Completion(values=fitting[:_MOST_COMPLETIONS], total=len(fitting))


def _services(context: Context) -> Services:
    services = context.request_context.lifespan_context
    if not isinstance(services, Services):
        raise TypeError("the lifespan of this server is not ours")
    return services


async def _or_not_found(content: Awaitable[str]) -> str:
    try:
        return await content
    except ReamoError as error:
        raise ResourceNotFoundError(f"[{error.code}] {error}") from error
