"""`reamo-mcp models`: which models answer, and what they can take."""

from typing import Annotated

import typer


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print the cards as JSON, one a line.")] = False,
) -> None:
    """List the models of the engine that would answer."""
    from reamo_mcp.models.profiles import plain_engine
    from reamo_mcp.settings import Settings

    for card in plain_engine(Settings.from_environment()).cards():
        if as_json:
            typer.echo(card.model_dump_json())
            continue
        typer.echo(f"{card.role}: {card.name} {card.revision}")
        typer.echo(f"  takes {', '.join(card.accepts) or 'text'}")
        typer.echo(f"  knows {'any type' if card.vocabulary is None else ', '.join(card.vocabulary)}")
        if card.limits:
            typer.echo(f"  {card.limits}")
