"""An OpenAI-compatible endpoint: chat requests side by side, asked again while the server is busy.

What fails for every request (no connection, no such model, no permission) is an error at once; one request that fails
does not fail the others.
"""

import asyncio
import random
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from reamo_mcp.errors import RemoteEngineFailed
from reamo_mcp.isolation.control import Control
from reamo_mcp.models.roles import Answer, Failed

if TYPE_CHECKING:
    import httpx

_TRIES = 4
_FIRST_WAIT = 0.5  # seconds, doubled with each try
_LONGEST_WAIT = 30.0
_MOST_BYTES = 4 << 20  # of an answer
_HINT = "Check REAMO_REMOTE_URL, REAMO_REMOTE_MODEL and REAMO_REMOTE_TOKEN"
_NEXT_TURN = 0.02  # seconds between two looks at whether it is one's turn
_POLL = 0.2  # seconds between two looks at whether the work shall stop
_BUSY = frozenset((408, 409, 425, 429, 500, 502, 503, 504))
_FOR_ALL = frozenset((401, 403, 404, 405))

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Endpoint:
    """Where the server is: ``url`` up to and with ``/v1``. Without ``model`` the first that it serves is used.

    No more than ``together`` requests are under way at a time, whoever makes them.
    """

    url: str
    model: str = ""
    token: str = field(default="", repr=False)
    timeout: float = 300.0
    together: int = 4
    free: threading.BoundedSemaphore = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "free", threading.BoundedSemaphore(self.together))


class Sent(BaseModel):
    """What a server sends may hold more than is looked at here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Model(Sent):
    id: str


class _Models(Sent):
    data: tuple[_Model, ...]


def chatted(
    endpoint: Endpoint,
    items: Sequence[T],
    request: Callable[[T, str], dict[str, Any]],
    answer: "Callable[[bytes], Answer[R]]",
    control: Control,
) -> "list[Answer[R]]":
    """Return one answer per item, in order. Every call opens its own connections and leaves none behind.

    Args:
        endpoint: Where to ask.
        items: What to ask about. One of which the server does not answer in time fails alone.
        request: Makes the body of a request to ``/chat/completions`` of an item and the name of the model.
        answer: Reads the body of a completion. Raises ValueError or LookupError for one of no known form.
        control: Is obeyed while the server thinks.

    Raises:
        RemoteEngineFailed: No item could be answered.
    """
    if not items:
        return []
    control.check()
    return asyncio.run(_obeying(endpoint, items, request, answer, control))


async def _obeying(
    endpoint: Endpoint,
    items: Sequence[T],
    request: Callable[[T, str], dict[str, Any]],
    answer: "Callable[[bytes], Answer[R]]",
    control: Control,
) -> "list[Answer[R]]":
    import httpx

    headers = {"Authorization": f"Bearer {endpoint.token}"} if endpoint.token else {}
    timeout = httpx.Timeout(endpoint.timeout, connect=10.0)
    async with httpx.AsyncClient(headers=headers, timeout=timeout, follow_redirects=False) as client:
        work = asyncio.ensure_future(_side_by_side(_Line(client, endpoint), endpoint, items, request, answer))
        try:
            while not work.done():
                await asyncio.wait([work], timeout=_POLL)
                control.check()
            return work.result()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


async def _side_by_side(
    line: "_Line",
    endpoint: Endpoint,
    items: Sequence[T],
    request: Callable[[T, str], dict[str, Any]],
    answer: "Callable[[bytes], Answer[R]]",
) -> "list[Answer[R]]":
    model = endpoint.model or await line.first_model()
    reached = False

    async def answered(item: T) -> "Answer[R]":
        nonlocal reached
        async with _turn(endpoint):
            try:
                status, body = await line.sent("chat/completions", await asyncio.to_thread(request, item, model))
            except _OutOfReach as trouble:
                return Failed(RemoteEngineFailed.code, f"the remote engine cannot be used: {trouble}")
        reached = True
        if status != 200:
            return Failed(RemoteEngineFailed.code, f"the remote engine refused this part ({status})")
        try:
            return answer(body)
        except (ValueError, LookupError):
            return Failed(RemoteEngineFailed.code, "the remote engine answered in no known form")

    tasks = [asyncio.ensure_future(answered(item)) for item in items]
    try:
        answers = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    first = answers[0]
    if not reached and isinstance(first, Failed):
        raise RemoteEngineFailed(first.message, _HINT)
    return answers


@asynccontextmanager
async def _turn(endpoint: Endpoint) -> AsyncGenerator[None]:
    """Wait for a turn at the endpoint, which callers in other threads may hold."""
    while not endpoint.free.acquire(blocking=False):  # noqa: ASYNC110 -- a semaphore of threads has no event
        await asyncio.sleep(_NEXT_TURN)
    try:
        yield
    finally:
        endpoint.free.release()


class _OutOfReach(Exception):
    """The server did not answer, and why."""


class _Line:
    """The connections of one call."""

    def __init__(self, client: "httpx.AsyncClient", endpoint: Endpoint) -> None:
        self._client = client
        self._url = endpoint.url.rstrip("/")

    async def first_model(self) -> str:
        try:
            status, body = await self.sent("models", None)
        except _OutOfReach as trouble:
            raise _unusable(str(trouble)) from None
        try:
            return _Models.model_validate_json(body).data[0].id
        except (ValidationError, IndexError):
            raise _unusable(f"it answered {status} and named no model") from None

    async def sent(self, path: str, request: dict[str, Any] | None) -> tuple[int, bytes]:
        """Return the status and body of an answer, asking again while the server is busy or out of reach.

        Raises _OutOfReach, and RemoteEngineFailed for what would fail every request.
        """
        import httpx

        trouble = ""
        status, body, wait = 0, b"", _FIRST_WAIT
        for number in range(_TRIES):
            if number:
                await asyncio.sleep(wait * random.uniform(0.75, 1.25))  # callers that failed together come back apart
            asked_to_wait = 0.0
            try:
                method = "POST" if request else "GET"
                async with self._client.stream(method, f"{self._url}/{path}", json=request) as response:
                    status, body = response.status_code, await _bounded(response)
                    asked_to_wait = _seconds(response.headers.get("retry-after", ""))
                if status in _FOR_ALL:
                    raise _unusable(f"it answered {status}")
                if status not in _BUSY:
                    return status, body
            except httpx.TimeoutException:
                status, trouble = 0, "it did not answer in time"
            except httpx.TransportError:
                status, trouble = 0, "it cannot be reached"
            wait = min(_LONGEST_WAIT, max(asked_to_wait, _FIRST_WAIT * 2**number))
        if status == 0:
            raise _OutOfReach(trouble)
        return status, body


async def _bounded(response: "httpx.Response") -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _MOST_BYTES:
            return b""  # no answer is that long
    return bytes(body)


def _seconds(header: str) -> float:
    return min(_LONGEST_WAIT, float(header)) if header.strip().isdigit() else 0.0


def _unusable(why: str) -> RemoteEngineFailed:
    return RemoteEngineFailed(f"the remote engine cannot be used: {why}", _HINT)
