"""The tool cancel."""

from reamo_mcp.server import arguments
from reamo_mcp.server.answers import AnsweredCancel
from reamo_mcp.server.calls import cancel as stop_work
from reamo_mcp.server.services import ToolContext

TITLE = "Stop work"
ANNOTATIONS = arguments.STOPS_WORK


async def cancel(context: ToolContext, result_id: arguments.ResultId) -> AnsweredCancel:
    """Stop the work behind a result_id, unless another caller waits for the same work."""
    return await stop_work(context, result_id)
