"""The tool server_status."""

from reamo_mcp.server import arguments
from reamo_mcp.server.answers import AnsweredStatus
from reamo_mcp.server.calls import status
from reamo_mcp.server.services import ToolContext

TITLE = "State of the server"
ANNOTATIONS = arguments.READS_ONLY


async def server_status(context: ToolContext) -> AnsweredStatus:
    """Tell which engine and models answer, which files may be named, the ontologies, the queue and the limits."""
    return await status(context)
