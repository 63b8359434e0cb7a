"""A typed client of the server: one method per tool, the project's own records, handles and pages followed."""

import base64
import os
import re
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from math import inf
from typing import Any, Literal, TypeAlias, TypeVar, cast
from uuid import uuid4

import anyio
import httpx2
from anyio.abc import TaskStatus
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer
from mcp.types import (
    BlobResourceContents,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ReadResourceRequest,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextResourceContents,
)

from reamo_mcp.errors import Deadline, EngineFailed, ReamoError, RemoteEngineFailed, of_code
from reamo_mcp.types.answers import Answer, CancelAnswer, EvidenceAnswer, Item, StatusAnswer
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.media import Document, MediaKind
from reamo_mcp.types.ontology import Ontology
from reamo_mcp.types.record import Record

R = TypeVar("R", bound=Record)
Era: TypeAlias = Literal["auto", "legacy"]
ReportProgress: TypeAlias = Callable[[float, float | None, str | None], Awaitable[None]]
"""Told units done, units known in all (None before anything is known), and words for people."""

# A child gets only a few variables by itself: these are what models, caches and this project's settings go by.
_PASSED_ON = (
    "CUDA_",
    "NVIDIA_",
    "HIP_",
    "ROCR_",
    "HF_",
    "REAMO_",
    "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS",
    "XDG_CACHE_HOME",
    "TMPDIR",
)
_CALLER = "reamo/caller"
_RECORD_PART = 800_000
_WAIT = 45.0
_FAILURE = re.compile(r"\[([a-z_]+)\] (.*)", re.DOTALL)


class ReamoClient:
    """Calls the tools of one server. Open it with `stdio`, `http` or `in_process`.

    Every method raises the errors of `reamo_mcp.errors` that the server answers with, `Deadline` when the server was
    silent for longer than ``patience`` seconds (progress counts as an answer), and RemoteEngineFailed when it is gone.
    """

    def __init__(self, client: Client, patience: float) -> None:
        self._client = client
        self._patience = patience
        self._caller = uuid4().hex

    @classmethod
    @asynccontextmanager
    async def stdio(
        cls,
        *,
        roots: Sequence[str | os.PathLike[str]] = (".",),
        engine: str | None = None,
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        patience: float = 60.0,
        era: Era = "auto",
    ) -> "AsyncGenerator[ReamoClient]":
        """Start a server of its own as a child process, which may read files below ``roots``.

        ``engine`` is the address of a running ``reamo-mcp serve`` that does the work instead.
        """
        program, *arguments = command or (sys.executable, "-m", "reamo_mcp")
        for root in roots:  # a relative one counts from the working directory, which the child inherits
            arguments += ["--root", os.fspath(root)]
        if engine is not None:
            arguments += ["--engine", engine]
        passed = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
        parameters = StdioServerParameters(command=program, args=arguments, env={**passed, **(environment or {})})
        async with _connected(f"the program {program}", Client(stdio_client(parameters), mode=era)) as client:
            yield cls(client, patience)

    @classmethod
    @asynccontextmanager
    async def http(
        cls, url: str, *, token: str | None = None, patience: float = 60.0, era: Era = "auto"
    ) -> "AsyncGenerator[ReamoClient]":
        """Reach the server at ``url`` (``http://127.0.0.1:8765/mcp``)."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(30.0, read=None)) as connection:
            # No bound on an event: results come whole, and the server is our own.
            transport = streamable_http_client(url, http_client=connection, max_sse_event_size=None)
            async with _connected(f"a server at {url}", Client(transport, mode=era)) as client:
                yield cls(client, patience)

    @classmethod
    @asynccontextmanager
    async def in_process(
        cls, server: MCPServer[Any], *, patience: float = 60.0, era: Era = "auto"
    ) -> "AsyncGenerator[ReamoClient]":
        """Talk to a server in this process, without any transport."""
        async with _connected("the server in this process", Client(server, mode=era)) as client:
            yield cls(client, patience)

    async def extract_entities(
        self,
        document: Document,
        *,
        ontology: Ontology | str = "general",
        entity_types: Sequence[str] = (),
        part: str = "",
        modalities: Sequence[MediaKind] = (),
        min_score: float = 0.0,
        report: ReportProgress | None = None,
    ) -> Extraction:
        """Return the entities of a document, whole, however long it takes."""
        arguments = _extracting(document, ontology, part, modalities, min_score)
        return await self._extraction("extract_entities", arguments | {"entity_types": entity_types}, report)

    async def extract_relations(
        self,
        document: Document,
        *,
        ontology: Ontology | str = "general",
        entity_types: Sequence[str] = (),
        relation_types: Sequence[str] = (),
        part: str = "",
        modalities: Sequence[MediaKind] = (),
        min_score: float = 0.0,
        report: ReportProgress | None = None,
    ) -> Extraction:
        """Return the entities of a document and the relations between them."""
        arguments = _extracting(document, ontology, part, modalities, min_score)
        types = {"entity_types": entity_types, "relation_types": relation_types}
        return await self._extraction("extract_relations", arguments | types, report)

    async def extract_events(
        self,
        document: Document,
        *,
        ontology: Ontology | str = "general",
        event_types: Sequence[str] = (),
        part: str = "",
        modalities: Sequence[MediaKind] = (),
        min_score: float = 0.0,
        report: ReportProgress | None = None,
    ) -> Extraction:
        """Return the entities of a document and the events that they take part in."""
        arguments = _extracting(document, ontology, part, modalities, min_score)
        return await self._extraction("extract_events", arguments | {"event_types": event_types}, report)

    async def extract_knowledge(
        self,
        document: Document,
        *,
        ontology: Ontology | str = "general",
        entity_types: Sequence[str] = (),
        relation_types: Sequence[str] = (),
        event_types: Sequence[str] = (),
        part: str = "",
        modalities: Sequence[MediaKind] = (),
        min_score: float = 0.0,
        report: ReportProgress | None = None,
    ) -> Extraction:
        """Return the entities, relations and events of a document."""
        arguments = _extracting(document, ontology, part, modalities, min_score)
        types = {"entity_types": entity_types, "relation_types": relation_types, "event_types": event_types}
        return await self._extraction("extract_knowledge", arguments | types, report)

    async def ground(
        self,
        phrase: str,
        document: Document,
        *,
        part: str = "",
        modalities: Sequence[MediaKind] = (),
        report: ReportProgress | None = None,
    ) -> Extraction:
        """Return every place of a phrase, as the groundings of one entity; none where nothing says or shows it."""
        arguments = _reading(document, part, modalities) | {"phrase": phrase}
        return await self._extraction("ground", arguments, report)

    async def start(self, document: Document, *, ontology: Ontology | str = "general") -> str:
        """Start to extract all knowledge, and return the handle at once; `get_result` returns the record."""
        arguments = _extracting(document, ontology, "", (), 0.0) | {"max_wait_s": 0, "limit": 1}
        return (await self._answer("extract_knowledge", arguments, Answer, None)).result_id

    async def get_result(self, result_id: str, *, report: ReportProgress | None = None) -> Extraction:
        """Return the record behind a handle, waiting for it as long as it takes."""
        arguments: dict[str, object] = {"result_id": result_id, "max_wait_s": _WAIT, "limit": 1}
        while (await self._answer("get_result", arguments, Answer, report)).status == "running":
            pass  # each answer came after a wait on the server's side
        return await self._record(result_id)

    async def items(
        self,
        result_id: str,
        *,
        kinds: Sequence[str] = (),
        types: Sequence[str] = (),
        file: str = "",
        contains: str = "",
        detail: Literal["short", "full"] = "short",
    ) -> AsyncGenerator[Item]:
        """Yield the items of a finished result as agents see them, page by page to the end."""
        filters = {"kinds": kinds, "types": types, "file": file, "contains": contains, "detail": detail}
        cursor = ""
        while True:
            arguments = filters | {"result_id": result_id, "cursor": cursor, "limit": 200}
            page = await self._answer("get_result", arguments, Answer, None)
            for item in page.items:
                yield item
            if page.cursor is None:
                return
            cursor = page.cursor

    async def cancel(self, result_id: str) -> CancelAnswer:
        """Stop the work behind a handle, unless somebody else waits for it."""
        return await self._answer("cancel", {"result_id": result_id}, CancelAnswer, None)

    async def show_evidence(
        self, result_id: str, ids: Sequence[str], *, context_characters: int = 120
    ) -> EvidenceAnswer:
        """Return the quotes behind some items (at most 8 ids) with the text around them, and where they stand."""
        arguments = {"result_id": result_id, "ids": list(ids), "context_characters": context_characters}
        return await self._answer("show_evidence", arguments, EvidenceAnswer, None)

    async def show_picture(self, result_id: str, ids: Sequence[str]) -> bytes:
        """Return a JPEG of the first of these items' places that can be seen, with the place framed."""
        answer = await self._call("show_evidence", {"result_id": result_id, "ids": list(ids), "picture": True}, None)
        pictures = [block.data for block in answer.content if block.type == "image"]
        if not pictures:
            raise EngineFailed("the server answered without a picture", "Look into the server's log")
        return base64.b64decode(pictures[0])

    async def read_clip(self, uri: str) -> bytes:
        """Return a clip that `show_evidence` names: MP4 of the moment of a video, MP3 of that of a recording."""
        blobs = [content.blob for content in await self._contents(uri) if isinstance(content, BlobResourceContents)]
        return base64.b64decode("".join(blobs))

    async def server_status(self) -> StatusAnswer:
        """Return the state of the server."""
        return await self._answer("server_status", {}, StatusAnswer, None)

    async def _extraction(self, tool: str, arguments: dict[str, object], report: ReportProgress | None) -> Extraction:
        answer = await self._answer(tool, arguments | {"max_wait_s": _WAIT, "limit": 1}, Answer, report)
        if answer.status != "running":
            return await self._record(answer.result_id)
        try:
            return await self.get_result(answer.result_id, report=report)
        except anyio.get_cancelled_exc_class():
            # The work goes on without us unless it is told; whoever cancels does not want to wait for long.
            with anyio.move_on_after(1.0, shield=True):
                await self.cancel(answer.result_id)
            raise

    async def _record(self, result_id: str) -> Extraction:
        parts: list[str] = []
        while not parts or len(parts[-1]) == _RECORD_PART:
            contents = await self._contents(f"reamo://results/{result_id}/record?part={len(parts)}")
            parts.append("".join(content.text for content in contents if isinstance(content, TextResourceContents)))
        return await anyio.to_thread.run_sync(Extraction.model_validate_json, "".join(parts))

    async def _contents(self, uri: str) -> Sequence[TextResourceContents | BlobResourceContents]:
        request = ReadResourceRequest(params=ReadResourceRequestParams(uri=uri))
        with anyio.move_on_after(self._patience):
            try:
                return (await self._client.session.send_request(request, ReadResourceResult)).contents
            except MCPError as error:
                raise _of_words(str(error)) or _gone(error) from error
        raise _silent(self._patience)

    async def _answer(
        self, tool: str, arguments: Mapping[str, object], kind: type[R], report: ReportProgress | None
    ) -> R:
        answer = await self._call(tool, arguments, report)
        return kind.model_validate(answer.structured_content)

    async def _call(self, tool: str, arguments: Mapping[str, object], report: ReportProgress | None) -> CallToolResult:
        given = {name: value for name, value in arguments.items() if value not in ("", (), [])}
        parameters = CallToolRequestParams(name=tool, arguments=given, _meta={_CALLER: self._caller})
        with anyio.CancelScope() as scope:

            async def note(progress: float, total: float | None, message: str | None) -> None:
                scope.deadline = anyio.current_time() + self._patience
                if report is not None:
                    await report(progress, total, message)

            scope.deadline = anyio.current_time() + self._patience
            try:
                # Not Client.call_tool: it validates the answer in pure Python, a second for a megabyte.
                answer = await self._client.session.send_request(
                    CallToolRequest(params=parameters),
                    CallToolResult,
                    request_read_timeout_seconds=inf,
                    progress_callback=note,
                )
            except MCPError as error:
                raise _gone(error) from error
            scope.deadline = inf
            if answer.is_error:
                text = "\n".join(block.text for block in answer.content if block.type == "text")
                raise _of_words(text) or EngineFailed(f"the server answered: {text}", "Look into the server's log")
            return answer
        raise _silent(self._patience)


@asynccontextmanager
async def _connected(what: str, client: Client) -> AsyncGenerator[Client]:
    """Yield the connected client. Raises RemoteEngineFailed where nothing answers as a server does.

    It is held by a task of its own: a connection that breaks fails the calls and not the body around them, and what
    the body raises comes out as it is, not in the exception groups of the SDK's tasks.
    """
    leaving = anyio.Event()
    failure: Exception | None = None
    raised: BaseException | None = None

    async def hold(*, task_status: "TaskStatus[Exception | None]") -> None:
        told = False
        try:
            async with client:
                told = True
                task_status.started(None)
                await leaving.wait()
        except Exception as error:
            # Reported where it happens before the body runs. Later it is not lost either: with the connection the SDK
            # ends every call that waits, and refuses the next ones, which is told as RemoteEngineFailed.
            if not told:
                task_status.started(error)

    async with anyio.create_task_group() as group:
        failure = await group.start(hold)
        if failure is None:
            try:
                yield client
            except anyio.get_cancelled_exc_class():
                raise  # the group has to see it
            except BaseException as error:  # raised below: the group would wrap it, SystemExit and Ctrl-C too
                raised = error
            leaving.set()
    if failure is not None:
        raise RemoteEngineFailed(f"{what} does not answer: {_told(failure)}", "Start it, or correct address and token")
    if raised is not None:
        raise raised


def _told(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return _told(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])
    return str(error) or type(error).__name__


def _reading(document: Document, part: str, modalities: Sequence[MediaKind]) -> dict[str, object]:
    files = [os.path.abspath(source.path) for source in document.sources if source.kind == "file"]
    texts = [source.text for source in document.sources if source.kind == "text"]
    return {"files": files, "text": "\n\n".join(texts), "part": part, "modalities": list(modalities)}


def _extracting(
    document: Document, ontology: Ontology | str, part: str, modalities: Sequence[MediaKind], min_score: float
) -> dict[str, object]:
    written = ontology if isinstance(ontology, str) else ontology.model_dump_json()
    return _reading(document, part, modalities) | {"ontology": written, "min_score": min_score}


def _of_words(text: str) -> ReamoError | None:
    """Return the error that the server told, None where these are not its words."""
    told = _FAILURE.search(text)
    return of_code(told[1], told[2]) if told else None


def _gone(error: MCPError) -> RemoteEngineFailed:
    return RemoteEngineFailed(f"the server did not answer: {error}", "Start it again")


def _silent(seconds: float) -> Deadline:
    return Deadline(f"the server was silent for {seconds:g} seconds", "Ask again; finished work is kept")
