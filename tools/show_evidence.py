"""The tool show_evidence."""

from reamo_mcp.server import arguments
from reamo_mcp.server.answers import AnsweredInKind
from reamo_mcp.server.calls import EvidenceAsked, evidence
from reamo_mcp.server.services import ToolContext

TITLE = "Show the proof of an item"
ANNOTATIONS = arguments.READS_ONLY


async def show_evidence(
    context: ToolContext,
    result_id: arguments.ResultId,
    ids: arguments.ItemIds,
    context_characters: arguments.ContextCharacters = 120,
    picture: arguments.WithPicture = False,
) -> AnsweredInKind:
    """Show why an item of a result is claimed: its quotes in context and where they stand, or a picture of the place.

    With picture=true the answer is one picture: the part of the image, page or video frame with the place framed.
    """
    return await evidence(context, EvidenceAsked(result_id, ids, context_characters, picture))
