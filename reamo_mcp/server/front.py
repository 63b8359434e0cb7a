"""A thin front over standard input and output for a server that runs elsewhere: one engine, many chats.

Lists come from this program's own tools, so that a host sees them at once; calls, results and completions go to the
engine. It is reached when the first call needs it, and again after it was restarted.
"""

from collections.abc import Callable
from typing import Any, cast
from uuid import uuid4

import anyio
import httpx2
from anyio.abc import TaskGroup, TaskStatus
from mcp import Client, MCPError, types
from mcp.client.streamable_http import streamable_http_client
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from reamo_mcp.errors import RemoteEngineFailed
from reamo_mcp.server.boundary import told
from reamo_mcp.server.build import build_server
from reamo_mcp.server.calls import CALLER, ROOTS
from reamo_mcp.server.services import allowed_roots
from reamo_mcp.settings import Settings

Context = ServerRequestContext[Any, Any]
_GONE = frozenset((types.CONNECTION_CLOSED, types.REQUEST_TIMEOUT))


class Engine:
    """The connection to the server that does the work; made by the first request."""

    def __init__(self, url: str, token: str, group: TaskGroup) -> None:
        self.url = url
        self._token = token
        self._group = group
        self._lock = anyio.Lock()
        self._client: Client | None = None

    async def client(self) -> Client:
        """Return the connection. Raises RemoteEngineFailed when nothing answers there."""
        if self._client is not None:
            return self._client
        async with self._lock:
            if self._client is None:
                self._client = await self._group.start(self._connect)
            if self._client is None:
                raise unreachable(self.url)
            return self._client

    def lost(self) -> None:
        """Forget the connection, so that the next request makes another one."""
        self._client = None

    async def _connect(self, *, task_status: "TaskStatus[Client | None]") -> None:
        told_caller = False
        try:
            headers = {"authorization": f"Bearer {self._token}"}
            async with httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(30.0, read=None)) as connection:
                transport = streamable_http_client(self.url, http_client=connection, max_sse_event_size=None)
                async with Client(transport, cache=None) as client:
                    told_caller = True
                    task_status.started(client)
                    await anyio.sleep_forever()
        except Exception:  # reported: the caller gets an error that names the address
            if told_caller:
                self.lost()
            else:
                task_status.started(None)


def unreachable(url: str) -> RemoteEngineFailed:
    """Return the error that nothing answers at the address."""
    return RemoteEngineFailed(
        f"no engine answers at {url}, or the token is not its own",
        "Start it with 'reamo-mcp serve', or leave out --engine",
    )


async def serve_front(settings: Settings, url: str, token: str, closing: Callable[[], None]) -> None:
    """Serve over standard input and output until the input is closed; ``closing`` is called when it is."""
    async with anyio.create_task_group() as group:
        front = front_server(settings, Engine(url, token, group))
        async with stdio_server() as (incoming, outgoing):
            await front.run(incoming, outgoing, front.create_initialization_options())
        closing()
        group.cancel_scope.cancel()


def front_server(settings: Settings, engine: Engine) -> Server[Any]:
    """Return the server that a host talks to."""
    local = build_server(settings, transport="stdio")  # never run: the source of the lists and prompts
    roots = [str(root) for root in allowed_roots(settings, "stdio")]
    meta = cast("types.RequestParamsMeta", {CALLER: uuid4().hex, ROOTS: roots})  # an open map

    async def list_tools(_: Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=await local.list_tools())

    async def list_prompts(_: Context, __: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=await local.list_prompts())

    async def list_resources(_: Context, __: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=await local.list_resources())

    async def list_templates(_: Context, __: types.PaginatedRequestParams | None) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=await local.list_resource_templates())

    async def get_prompt(_: Context, asked: types.GetPromptRequestParams) -> types.GetPromptResult:
        prompt = await local.get_prompt(asked.name, dict(asked.arguments or {}))
        if not isinstance(prompt, types.GetPromptResult):
            raise TypeError("a prompt of ours asks nothing back")
        return prompt

    async def call_tool(context: Context, asked: types.CallToolRequestParams) -> types.CallToolResult:
        async def forward(progress: float, total: float | None, message: str | None) -> None:
            await context.session.report_progress(progress, total, message)

        wanted = types.CallToolRequestParams(name=asked.name, arguments=asked.arguments, _meta=meta)
        try:
            client = await engine.client()
            # The raw request: the engine has validated its answer already.
            return await client.session.send_request(
                types.CallToolRequest(params=wanted), types.CallToolResult, progress_callback=forward
            )
        except RemoteEngineFailed as error:
            return _refused(error)
        except MCPError as error:
            if error.code not in _GONE:
                raise
            engine.lost()
            return _refused(unreachable(engine.url))

    async def read(_: Context, asked: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        client = await _reached(engine)
        request = types.ReadResourceRequest(params=types.ReadResourceRequestParams(uri=asked.uri, _meta=meta))
        return await client.session.send_request(request, types.ReadResourceResult)

    async def complete(_: Context, asked: types.CompleteRequestParams) -> types.CompleteResult:
        client = await _reached(engine)
        request = types.CompleteRequest(
            params=types.CompleteRequestParams(ref=asked.ref, argument=asked.argument, context=asked.context)
        )
        return await client.session.send_request(request, types.CompleteResult)

    return Server(
        local.name,
        title=local.title,
        version=local.version,
        instructions=local.instructions,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_completion=complete,
    )


async def _reached(engine: Engine) -> Client:
    try:
        return await engine.client()
    except RemoteEngineFailed as error:
        raise MCPError(code=types.INTERNAL_ERROR, message=told(error)) from error


def _refused(error: RemoteEngineFailed) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=told(error))], is_error=True)
