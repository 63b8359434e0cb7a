"""The tool ground."""

from reamo_mcp.server import arguments
from reamo_mcp.server.answers import Answered
from reamo_mcp.server.calls import Asked
from reamo_mcp.server.calls import ground as find_places
from reamo_mcp.server.services import ToolContext

TITLE = "Find where a phrase is"
ANNOTATIONS = arguments.READS_ONLY


async def ground(
    context: ToolContext,
    phrase: arguments.Phrase,
    files: arguments.Files = (),
    text: arguments.Text = "",
    part: arguments.PartOfFile = "",
    modalities: arguments.Modalities = (),
    limit: arguments.Limit = 50,
    max_wait_s: arguments.MaxWait = 45.0,
) -> Answered:
    """Find every place where a phrase is said, shown as text or written; with models that see, what it names too.

    In words letters count: case, spacing, hyphenation may differ; a changed word, name or number is not found.
    """
    asked = Asked(files=files, text=text, part=part, modalities=modalities, limit=limit, max_wait_s=max_wait_s)
    return await find_places(context, phrase, asked)
