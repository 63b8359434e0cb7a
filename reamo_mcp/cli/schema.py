"""`reamo-mcp schema`: the JSON schema of what the project answers and takes."""

import json
from enum import Enum
from typing import Annotated

import typer


class Described(str, Enum):
    """The records that a program may meet."""

    extraction = "extraction"
    ontology = "ontology"
    answer = "answer"
    status = "status"


def schema(
    of: Annotated[
        Described, typer.Option(help="extraction: the full record; ontology: own types; answer, status: of the tools.")
    ] = Described.extraction,
) -> None:
    """Print the JSON schema of a record."""
    from reamo_mcp.types.answers import Answer, StatusAnswer
    from reamo_mcp.types.extraction import Extraction
    from reamo_mcp.types.ontology import Ontology

    record = {
        Described.extraction: Extraction,
        Described.ontology: Ontology,
        Described.answer: Answer,
        Described.status: StatusAnswer,
    }[of]
    typer.echo(json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **record.model_json_schema()}))
