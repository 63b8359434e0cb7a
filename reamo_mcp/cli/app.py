"""The commands, and how the program ends: 0 done, 1 failed, 2 used wrongly, 3 done in part, 130 interrupted.

A new command is a module with a function of its name, and a line in `commands`. Modules of commands are imported for
every command, so they import what is heavy inside their function.
"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from reamo_mcp.cli import cache, config, doctor, evaluate, examples, extract, models, schema, serve
from reamo_mcp.errors import InvalidArgument, InvalidOntology, ReamoError

_FAILED, _USED_WRONGLY, _INTERRUPTED = 1, 2, 130

_ABOUT = """Find entities, relations and events in any files, each with proof of its place.

Without a command, and not on a terminal, it serves MCP over standard input and output, as hosts start it:
'reamo-mcp --root FOLDER' lets callers read the files below FOLDER.
"""


def commands() -> typer.Typer:
    """Return the application with every command."""
    app = typer.Typer(
        name="reamo-mcp",
        help=_ABOUT,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_options)
    app.command()(extract.extract)
    app.command()(serve.serve)
    app.command()(config.config)
    app.command()(schema.schema)
    app.command()(doctor.doctor)
    app.command()(evaluate.evaluate)
    app.command()(examples.examples)
    app.add_typer(models.commands(), name="models")
    app.add_typer(cache.commands(), name="cache")
    return app


def run(arguments: Sequence[str]) -> None:
    """Run the command that the arguments name, and end the process."""
    try:
        commands()(args=list(arguments), prog_name="reamo-mcp")
    except ReamoError as error:
        sys.stderr.write(f"reamo-mcp: {error}\n")
        raise SystemExit(_USED_WRONGLY if isinstance(error, (InvalidArgument, InvalidOntology)) else _FAILED) from None
    except SystemExit as ended:
        if ended.code != _INTERRUPTED:
            raise
        # The work has ended and its children with it, but a worker thread of the event loop may still wait for more,
        # and Python waits for threads at its exit.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_INTERRUPTED)


def _options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"reamo-mcp {installed('reamo-mcp')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())
