"""`reamo-mcp serve`: the tools over HTTP, one engine for many chats."""

import os
from pathlib import Path
from typing import Annotated

import typer

from reamo_mcp.errors import InvalidArgument


def serve(
    root: Annotated[list[Path] | None, typer.Option(help="Folder whose files callers may read; repeatable.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8765,
    profile: Annotated[str | None, typer.Option(help="Which engine answers.")] = None,
) -> None:
    """Serve over HTTP at /mcp until interrupted; fronts join with 'reamo-mcp --engine URL'.

    Callers need the token that is kept in the cache folder (or REAMO_TOKEN), and reach only files below --root.
    """
    from reamo_mcp.server.http import endpoint_at, token_for
    from reamo_mcp.server.http import serve as serve_http
    from reamo_mcp.server.token import token_file
    from reamo_mcp.settings import Settings

    settings = Settings.from_environment()
    if root:
        settings = settings.with_roots(root)
    if profile:
        settings = settings.with_profile(profile)
    for folder in settings.roots:
        if not folder.is_dir():
            raise InvalidArgument(f"{folder} is no folder", "Give --root a folder that exists")
    token = token_for(settings, host)
    kept = "that of REAMO_TOKEN" if os.environ.get("REAMO_TOKEN") else f"in {token_file(settings)}"
    typer.echo(f"reamo-mcp serves at {endpoint_at(host, port)}; the token is {kept}", err=True)
    if not settings.roots:
        typer.echo("No --root is given: callers may send texts, but name no files.", err=True)
    serve_http(settings, host=host, port=port, token=token)
