"""A program for the conformance suite: our server over HTTP as `reamo-mcp serve` builds it, with the suite's fixtures.

Usage: python -m tests.conformance.fixture_server PORT
"""

import sys

import uvicorn
from mcp.server import MCPServer
from mcp.server.context import ServerRequestContext
from mcp.types import EmptyResult, SetLevelRequestParams, SubscribeRequestParams, UnsubscribeRequestParams
from starlette.types import ASGIApp, Receive, Scope, Send

from reamo_mcp.server.http import guarded_app, http_server
from reamo_mcp.server.services import Services
from reamo_mcp.settings import Settings
from tests.conformance.fixtures_that_ask import (
    add_prompts_that_want_more,
    add_tools_that_ask,
    add_tools_that_want_more,
)
from tests.conformance.fixtures_that_show import add_prompts_that_show, add_resources_that_show, add_tools_that_show

TOKEN = "the token of the fixtures"


class WithToken:
    """Adds the token to every request: the suite cannot be told one. The check of it stays in its place."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], (b"authorization", f"Bearer {TOKEN}".encode())]}
        await self._app(scope, receive, send)


def add_what_older_revisions_ask(server: MCPServer[Services]) -> None:
    """Answer the methods that revision 2026-07-28 dropped and our server, which needs none of them, never had."""

    async def nothing(_: ServerRequestContext[Services], __: object) -> EmptyResult:
        return EmptyResult()

    inner = server._lowlevel_server  # pyright: ignore[reportPrivateUsage] -- the SDK has no public way to these
    inner.add_request_handler("logging/setLevel", SetLevelRequestParams, nothing)
    inner.add_request_handler("resources/subscribe", SubscribeRequestParams, nothing)
    inner.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, nothing)


def main() -> None:
    """Serve on this machine until the process is ended."""
    host, port = "127.0.0.1", int(sys.argv[1])
    server = http_server(Settings.from_environment(), host=host, port=port, token=TOKEN)
    add_tools_that_show(server)
    add_resources_that_show(server)
    add_prompts_that_show(server)
    add_tools_that_ask(server)
    add_tools_that_want_more(server)
    add_prompts_that_want_more(server)
    add_what_older_revisions_ask(server)
    app = WithToken(guarded_app(server, host=host))
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
