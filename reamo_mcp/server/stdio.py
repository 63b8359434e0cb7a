"""Serve over standard input and output, and leave cleanly and soon: on a closed input, SIGINT and SIGTERM."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import anyio

from reamo_mcp.errors import ReamoError
from reamo_mcp.server.services import OpenExtractor
from reamo_mcp.settings import Settings

PATIENCE = 1.6
"""Seconds that a closing server may take; whatever still runs then is left behind, and children die with us."""


def main(arguments: Sequence[str]) -> None:
    """Serve as a host asks for it: ``--root FOLDER`` (repeatable), ``--engine URL``, ``--profile NAME``."""
    parser = argparse.ArgumentParser(prog="reamo-mcp", description="Serve the tools over standard input and output.")
    parser.add_argument("--root", action="append", default=[], metavar="FOLDER", help="folder that callers may read")
    parser.add_argument("--engine", metavar="URL", help="address of a running 'reamo-mcp serve' that does the work")
    parser.add_argument("--profile", help="which engine answers")
    given = parser.parse_args(arguments)
    try:
        settings = Settings.from_environment()
        if given.root:
            settings = settings.with_roots(given.root)
        if given.profile:
            settings = settings.with_profile(given.profile)
        for folder in settings.roots:
            if not folder.is_dir():  # not refused: the other folders can be read, and this one may come yet
                sys.stderr.write(f"reamo-mcp: {folder} is no folder; nothing in it can be read\n")
        serve_stdio(settings, engine=given.engine)
    except ReamoError as error:
        sys.stderr.write(f"reamo-mcp: {error}\n")
        raise SystemExit(2) from None


def serve_stdio(settings: Settings, *, engine: str | None = None, open_extractor: OpenExtractor | None = None) -> None:
    """Serve until the input is closed or a signal comes. Does not return: the process ends with code 0.

    With ``engine``, the work is done by the server at that address, under this server's roots; its token is read from
    ``REAMO_TOKEN`` or the token file of this installation. ``open_extractor`` replaces the installation's own. Raises
    InvalidArgument where there is no token.
    """
    if engine is not None:
        from reamo_mcp.server.front import serve_front
        from reamo_mcp.server.token import installation_token

        token = installation_token(settings)
        _run(lambda closing: serve_front(settings, engine, token, closing))
        return
    from reamo_mcp.server.build import build_server

    _run(
        lambda closing: build_server(
            settings, transport="stdio", open_extractor=open_extractor, closing=closing
        ).run_stdio_async()
    )


def _run(serve: "Callable[[Callable[[], None]], Awaitable[None]]") -> None:
    async def until_closed_or_signalled() -> None:
        async with anyio.create_task_group() as group:
            await group.start(_leave_on_signals, group.cancel_scope)
            try:
                await serve(_leave_in_time)
            finally:
                # The transport gives the output back while foreign code may still print: the caller hears none of it.
                with suppress(OSError):
                    os.dup2(2, 1)
            group.cancel_scope.cancel()

    anyio.run(until_closed_or_signalled)
    # The thread that reads the input may sit in a read that nothing ends, and Python waits for threads at its exit.
    os._exit(0)


async def _leave_on_signals(
    scope: anyio.CancelScope, *, task_status: "anyio.abc.TaskStatus[None]" = anyio.TASK_STATUS_IGNORED
) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            _leave_in_time()
            scope.cancel()


def _leave_in_time() -> None:
    sys.stdout = sys.stderr  # threads that print go on until the end; the transport has a copy of the output to itself
    timer = threading.Timer(PATIENCE, os._exit, (0,))
    timer.daemon = True
    timer.start()
