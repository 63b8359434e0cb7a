"""The tool extract_events."""

from reamo_mcp.server import arguments
from reamo_mcp.server.answers import Answered
from reamo_mcp.server.calls import Asked, extract
from reamo_mcp.server.services import ToolContext

TITLE = "Find events in files"
ANNOTATIONS = arguments.READS_ONLY


async def extract_events(
    context: ToolContext,
    files: arguments.Files = (),
    text: arguments.Text = "",
    part: arguments.PartOfFile = "",
    ontology: arguments.OntologyName = "general",
    event_types: arguments.EventTypes = (),
    modalities: arguments.Modalities = (),
    min_score: arguments.MinScore = 0.0,
    limit: arguments.Limit = 50,
    max_wait_s: arguments.MaxWait = 45.0,
) -> Answered:
    """Find what happened: events with their trigger words, who took part in which role, and the places that say so."""
    asked = Asked(
        files=files,
        text=text,
        part=part,
        ontology=ontology,
        event_types=event_types,
        modalities=modalities,
        min_score=min_score,
        limit=limit,
        max_wait_s=max_wait_s,
    )
    return await extract(context, asked, tasks=("entities", "events"), kinds=("event",))
