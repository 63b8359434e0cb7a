"""`reamo-mcp schema`: the JSON schema of what the project answers and takes."""

import json
from typing import Annotated, Literal, TypeAlias

import typer

Described: TypeAlias = Literal["extraction", "ontology", "answer", "status"]


def schema(
    of: Annotated[
        Described, typer.Option(help="extraction: the full record; ontology: own types; answer, status: of the tools.")
    ] = "extraction",
) -> None:
    """Print the JSON schema of a record."""
    from reamo_mcp.types.answers import Answer, StatusAnswer
    from reamo_mcp.types.extraction import Extraction
    from reamo_mcp.types.ontology import Ontology

    record = {
        "extraction": Extraction,
        "ontology": Ontology,
        "answer": Answer,
        "status": StatusAnswer,
    }[of]
    typer.echo(json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **record.model_json_schema()}))
