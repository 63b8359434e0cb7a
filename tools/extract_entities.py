"""The tool extract_entities."""

from reamo_mcp.server import arguments
from reamo_mcp.server.answers import Answered
from reamo_mcp.server.calls import Asked, extract
from reamo_mcp.server.services import ToolContext

TITLE = "Find entities in files"
ANNOTATIONS = arguments.READS_ONLY


async def extract_entities(
    context: ToolContext,
    files: arguments.Files = (),
    text: arguments.Text = "",
    part: arguments.PartOfFile = "",
    ontology: arguments.OntologyName = "general",
    entity_types: arguments.EntityTypes = (),
    modalities: arguments.Modalities = (),
    min_score: arguments.MinScore = 0.0,
    limit: arguments.Limit = 50,
    max_wait_s: arguments.MaxWait = 45.0,
) -> Answered:
    """Find people, places, organizations and other entities in text, pictures, recordings, videos and documents.

    Each comes with the places that prove it (characters, page and box, region, time) and the media in which it was
    searched in vain. One thing named in several files is one entity.
    """
    asked = Asked(
        files=files,
        text=text,
        part=part,
        ontology=ontology,
        entity_types=entity_types,
        modalities=modalities,
        min_score=min_score,
        limit=limit,
        max_wait_s=max_wait_s,
    )
    return await extract(context, asked, tasks=("entities",), kinds=("entity",))
