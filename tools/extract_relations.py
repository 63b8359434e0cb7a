"""The tool extract_relations."""

from reamo_mcp.server import arguments
from reamo_mcp.server.answers import Answered
from reamo_mcp.server.calls import Asked, extract
from reamo_mcp.server.services import ToolContext

TITLE = "Find relations in files"
ANNOTATIONS = arguments.READS_ONLY


async def extract_relations(
    context: ToolContext,
    files: arguments.Files = (),
    text: arguments.Text = "",
    part: arguments.PartOfFile = "",
    ontology: arguments.OntologyName = "general",
    entity_types: arguments.EntityTypes = (),
    relation_types: arguments.RelationTypes = (),
    modalities: arguments.Modalities = (),
    min_score: arguments.MinScore = 0.0,
    limit: arguments.Limit = 50,
    max_wait_s: arguments.MaxWait = 45.0,
) -> Answered:
    """Find who is linked to whom and how (works for, located in, ...), each with the place that says so.

    The entities at both ends are named; get_result with kinds=['entity'] lists them with their places.
    """
    asked = Asked(
        files=files,
        text=text,
        part=part,
        ontology=ontology,
        entity_types=entity_types,
        relation_types=relation_types,
        modalities=modalities,
        min_score=min_score,
        limit=limit,
        max_wait_s=max_wait_s,
    )
    return await extract(context, asked, tasks=("entities", "relations"), kinds=("relation",))
