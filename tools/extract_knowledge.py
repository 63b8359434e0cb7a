"""The tool extract_knowledge."""

from reamo_mcp.server import arguments
from reamo_mcp.server.answers import Answered
from reamo_mcp.server.calls import Asked, extract
from reamo_mcp.server.services import ToolContext

TITLE = "Find entities, relations and events in files"
ANNOTATIONS = arguments.READS_ONLY


async def extract_knowledge(
    context: ToolContext,
    files: arguments.Files = (),
    text: arguments.Text = "",
    part: arguments.PartOfFile = "",
    ontology: arguments.OntologyName = "general",
    entity_types: arguments.EntityTypes = (),
    relation_types: arguments.RelationTypes = (),
    event_types: arguments.EventTypes = (),
    modalities: arguments.Modalities = (),
    min_score: arguments.MinScore = 0.0,
    limit: arguments.Limit = 50,
    max_wait_s: arguments.MaxWait = 45.0,
) -> Answered:
    """Find entities, relations and events in one pass, each with the places that prove it.

    Cheaper than the three tools in a row. Use it for an overview, a graph, or to compare files.
    """
    asked = Asked(
        files=files,
        text=text,
        part=part,
        ontology=ontology,
        entity_types=entity_types,
        relation_types=relation_types,
        event_types=event_types,
        modalities=modalities,
        min_score=min_score,
        limit=limit,
        max_wait_s=max_wait_s,
    )
    return await extract(
        context, asked, tasks=("entities", "relations", "events"), kinds=("entity", "relation", "event")
    )
