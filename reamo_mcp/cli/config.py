"""`reamo-mcp config`: the entry that a host needs to start or reach the server."""

import json
from pathlib import Path
from typing import Annotated, cast

import typer

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.server.hosts import Host, HostEntry, configuration


def config(
    client: Annotated[Host, typer.Option(help="The host.")],
    root: Annotated[list[Path] | None, typer.Option(help="Folder whose files it may read; repeatable.")] = None,
    engine: Annotated[str | None, typer.Option(help="Address of a running 'reamo-mcp serve'.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write it into the host's file, beside what is there.")
    ] = False,
) -> None:
    """Print what to put into the configuration of a host, or write it there."""
    entry = configuration(client, root or [Path.cwd()], engine=engine)
    if write:
        written = _merged(entry)
        entry.path.parent.mkdir(parents=True, exist_ok=True)
        entry.path.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
        typer.echo(f"written to {entry.path}", err=True)
        return
    if entry.command:
        typer.echo(f"# run this, or put the entry below into {entry.path}:\n# {entry.command}", err=True)
    else:
        typer.echo(f"# put this into {entry.path}:", err=True)
    typer.echo(json.dumps(entry.document(), indent=2))


def _merged(entry: HostEntry) -> dict[str, object]:
    """Return the host's file with the entry added. Raises InvalidArgument if it is not what the host reads."""
    if not entry.path.exists():
        return entry.document()
    try:
        found: object = json.loads(entry.path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidArgument(
            f"{entry.path} cannot be read as JSON ({type(error).__name__})", "Correct it, or add the entry by hand"
        ) from None
    servers = cast("dict[str, object]", found).get(entry.key, {}) if isinstance(found, dict) else None
    if not isinstance(servers, dict):
        raise InvalidArgument(f"{entry.path} has another form than the host reads", "Add the entry by hand")
    return {
        **cast("dict[str, object]", found),
        entry.key: {**cast("dict[str, object]", servers), "reamo": entry.content},
    }
