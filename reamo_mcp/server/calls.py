"""What the tools do, once: each tool is its arguments, its words, and one of these functions.

The tools are loaded on the start path of the server, so what knows results and engines is imported when a call comes.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, cast
from uuid import uuid4

import anyio
import anyio.to_thread
from mcp.types import CallToolResult

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.server.arguments import Detail, Kind, Modality
from reamo_mcp.server.heartbeat import News, with_heartbeat
from reamo_mcp.server.services import ToolContext
from reamo_mcp.types.answers import CancelAnswer

if TYPE_CHECKING:
    from reamo_mcp.extractor import Task
    from reamo_mcp.jobs import JobRequest
    from reamo_mcp.media.opening import Allowed

ROOTS = "reamo/roots"
"""Key of the request's `_meta` by which a front names the folders that its host allows; they only ever narrow."""

CALLER = "reamo/caller"
"""Key of the request's `_meta` by which a client of many connections is known as one caller."""

_PAGES = "reamo_mcp.server.pages"


@dataclass(frozen=True)
class Asked:
    """The arguments of the extracting tools. Empty values mean: not given."""

    files: tuple[str, ...]
    text: str
    part: str
    modalities: tuple[Modality, ...]
    max_wait_s: float
    ontology: str = "general"
    entity_types: tuple[str, ...] = ()
    relation_types: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    min_score: float = 0.0
    limit: int = 50


async def extract(
    context: ToolContext, asked: Asked, tasks: "tuple[Task, ...]", kinds: tuple[Kind, ...]
) -> CallToolResult:
    """Extract, and answer with the first page of these kinds of items, or with a handle."""
    services = context.request_context.lifespan_context
    news = News("reading the request")

    def request_of() -> "JobRequest":
        from reamo_mcp.server.requests import extraction_request

        return extraction_request(services, asked, tasks, allowed_files(context))

    async def work() -> CallToolResult:
        request = await anyio.to_thread.run_sync(request_of)
        return await _answer(context, news, request, kinds, asked)

    return await with_heartbeat(context, news, work())


async def ground(context: ToolContext, phrase: str, asked: Asked) -> CallToolResult:
    """Find the places of a phrase, and answer with the first page of them, or with a handle."""
    news = News("reading the request")

    def request_of() -> "JobRequest":
        from reamo_mcp.server.requests import phrase_request

        return phrase_request(asked, phrase)

    async def work() -> CallToolResult:
        request = await anyio.to_thread.run_sync(request_of)
        return await _answer(context, news, request, ("entity", "ungrounded"), asked, detail="full")

    return await with_heartbeat(context, news, work())


async def _answer(
    context: ToolContext,
    news: News,
    request: "JobRequest",
    kinds: tuple[Kind, ...],
    asked: Asked,
    *,
    detail: Detail = "short",
) -> CallToolResult:
    from reamo_mcp.server.items import Wanted
    from reamo_mcp.server.pages import result_page, running

    services = context.request_context.lifespan_context
    begun = monotonic()
    news.say("starting the engine")
    jobs = await services.jobs()
    news.say("opening files")
    caller, allowed = caller_of(context), allowed_files(context)
    result_id = await jobs.ask(request, allowed, caller)
    news.follow(lambda: (jobs.latest(result_id), jobs.progress(result_id)))
    left = max(0.0, asked.max_wait_s - (monotonic() - begun))
    extraction = await jobs.outcome(result_id, left, allowed, caller, own=True)
    if extraction is None:
        return running(result_id, news.words())
    return result_page(result_id, extraction, Wanted(kinds=kinds, detail=detail), asked.limit)


@dataclass(frozen=True)
class PageAsked:
    """The arguments of `get_result`. Empty values mean: not given."""

    result_id: str
    kinds: tuple[Kind, ...]
    types: tuple[str, ...]
    file: str
    contains: str
    detail: Detail
    cursor: str
    limit: int
    max_wait_s: float


async def result(context: ToolContext, asked: PageAsked) -> CallToolResult:
    """Wait for a result, and answer with one page of it, or with the news that the work goes on."""
    services = context.request_context.lifespan_context
    await _load_pages()
    from reamo_mcp.server.items import Wanted
    from reamo_mcp.server.pages import cursor_kinds, result_page, running

    kinds = asked.kinds or (cursor_kinds(asked.cursor) if asked.cursor else Wanted().kinds)
    wanted = Wanted(
        kinds=tuple(dict.fromkeys(kinds)),
        types=asked.types,
        medium=asked.file,
        contains=asked.contains,
        detail=asked.detail,
    )
    news = News("starting the engine")

    async def work() -> CallToolResult:
        jobs = await services.jobs()
        news.follow(lambda: (jobs.latest(asked.result_id), jobs.progress(asked.result_id)))
        extraction = await jobs.outcome(asked.result_id, asked.max_wait_s, allowed_files(context), caller_of(context))
        if extraction is None:
            return running(asked.result_id, news.words())
        return result_page(asked.result_id, extraction, wanted, asked.limit, asked.cursor)

    return await with_heartbeat(context, news, work())


@dataclass(frozen=True)
class EvidenceAsked:
    """The arguments of `show_evidence`."""

    result_id: str
    ids: tuple[str, ...]
    around: int
    picture: bool


async def evidence(context: ToolContext, asked: EvidenceAsked) -> CallToolResult:
    """Show the proof of some items of a finished result: their words in context, or a picture of one place."""
    from reamo_mcp.server.reading_results import finished_result
    from reamo_mcp.server.showing import as_picture, in_lines, places_of, seen

    services = context.request_context.lifespan_context
    news = News("looking up the result")

    async def work() -> CallToolResult:
        extraction = await finished_result(services, asked.result_id)
        if not asked.picture:
            return in_lines(asked.result_id, extraction, asked.ids, asked.around)
        news.say("drawing the place")
        places = places_of(extraction, asked.ids)
        return as_picture(await seen(services, asked.result_id, extraction, places, allowed_files(context)))

    return await with_heartbeat(context, news, work())


async def cancel(context: ToolContext, result_id: str) -> CallToolResult:
    """Take back this caller's interest in a result."""
    from reamo_mcp.server.pages import call_result

    jobs = await context.request_context.lifespan_context.jobs()
    outcome = await jobs.cancel(result_id, caller_of(context))
    notices = {
        "cancelled": "The work was stopped. What was read so far is kept: asking again continues from there",
        "still_wanted": "Another caller wants this work too, so it goes on",
        "finished": "The work had ended before; get_result returns how",
        "unknown": "No such work is known here; nothing was stopped",
    }
    answer = CancelAnswer(result_id=result_id, status=outcome, notice=notices[outcome])
    return call_result(answer, f"{outcome} {result_id}: {answer.notice}")


async def status(context: ToolContext) -> CallToolResult:
    """Tell the state of the server, without waiting for the engine."""
    from reamo_mcp.server.status import state_of, status_result

    return status_result(await state_of(context.request_context.lifespan_context))


def caller_of(context: ToolContext) -> str:
    """Return who calls, as far as the protocol tells.

    A client may name itself in `_meta`; a connection with a session is one caller, and so is standard input. Without
    any of these each call is its own caller, so that nobody can take back the interest of another.
    """
    meta = context.request_context.meta or {}
    named = meta.get(CALLER)
    if isinstance(named, str) and named:
        return f"named {named[:80]}"
    headers = context.headers
    if headers is None:
        return "this connection"
    session = headers.get("mcp-session-id")
    return f"session {session}" if session else f"call {uuid4().hex}"


def allowed_files(context: ToolContext) -> "Allowed":
    """Return which files this caller may name: the server's roots, narrowed to those of the front it came through."""
    from reamo_mcp.media.opening import Allowed

    services = context.request_context.lifespan_context
    narrower = (context.request_context.meta or {}).get(ROOTS)
    if narrower is None:
        return Allowed.named() if services.transport == "in_process" else Allowed.below(services.roots)
    if not isinstance(narrower, list) or not all(isinstance(root, str) for root in cast("list[object]", narrower)):
        raise InvalidArgument(f"_meta {ROOTS!r} is not a list of folders", "Send absolute paths")
    return Allowed.below(common_roots(services.roots, [Path(root) for root in cast("list[str]", narrower)]))


def common_roots(ours: Sequence[Path], theirs: Sequence[Path]) -> list[Path]:
    """Return the folders that lie below a root of both."""
    pairs = [(one, other) for one in ours for other in theirs]
    common = [other for one, other in pairs if other.is_relative_to(one)]
    common += [one for one, other in pairs if one.is_relative_to(other)]
    return list(dict.fromkeys(common))


async def _load_pages() -> None:
    # In a thread, since importing takes a moment in which the event loop has to answer others.
    if _PAGES not in sys.modules:
        await anyio.to_thread.run_sync(import_module, _PAGES)


def nothing_given() -> InvalidArgument:
    """Return the error of a call that names neither a file nor a text."""
    return InvalidArgument("there is nothing to read", "Give 'files' (paths), 'text', or both")
