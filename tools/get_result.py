"""The tool get_result."""

from reamo_mcp.server import arguments
from reamo_mcp.server.answers import Answered
from reamo_mcp.server.calls import PageAsked, result
from reamo_mcp.server.services import ToolContext

TITLE = "Wait for or read a result"
ANNOTATIONS = arguments.READS_ONLY


async def get_result(
    context: ToolContext,
    result_id: arguments.ResultId,
    kinds: arguments.Kinds = (),
    types: arguments.Types = (),
    file: arguments.FileName = "",
    contains: arguments.Contains = "",
    detail: arguments.DetailLevel = "short",
    cursor: arguments.Cursor = "",
    limit: arguments.Limit = 50,
    max_wait_s: arguments.MaxWait = 45.0,
) -> Answered:
    """Wait for work that goes on, page through a result, or filter it without reading any file again.

    Unfinished work of a server that was stopped is taken up again.
    """
    asked = PageAsked(
        result_id=result_id,
        kinds=kinds,
        types=types,
        file=file,
        contains=contains,
        detail=detail,
        cursor=cursor,
        limit=limit,
        max_wait_s=max_wait_s,
    )
    return await result(context, asked)
