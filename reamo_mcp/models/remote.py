"""A reasoner behind an OpenAI-compatible endpoint (vLLM, SGLang ...): how one grows past one machine.

Every ask is one request to ``/chat/completions`` with the grammar as its response format. Pictures travel as JPEG,
sound as WAV, videos as their frames with times, each in the request itself: the server needs no access to any file.
Asks run side by side up to a limit; a server that is busy is asked again when it says so; one ask that fails does not
fail the others. What fails for every ask (no connection, no such model, no permission) is an error at once.
"""

import asyncio
import base64
import io
import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from reamo_mcp.errors import RemoteEngineFailed
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE, Picture
from reamo_mcp.models.asks import Ask, Capacity, Sound, VideoPassage
from reamo_mcp.models.meta_grammar import grammar, with_patterns_for_lengths
from reamo_mcp.models.meta_parsing import parse
from reamo_mcp.models.prompting import turn
from reamo_mcp.models.roles import Answer, Failed, Found, ModelCard, Reasoned

if TYPE_CHECKING:
    import httpx

_TRIES = 4
_FIRST_WAIT = 0.5  # seconds, doubled with each try
_LONGEST_WAIT = 30.0
_MOST_BYTES = 4 << 20  # of an answer
_POLL = 0.2  # seconds between two looks at whether the work shall stop
_BUSY = frozenset((408, 409, 425, 429, 500, 502, 503, 504))
_FOR_ALL = frozenset((401, 403, 404, 405))


@dataclass(frozen=True)
class Endpoint:
    """Where the server is: ``url`` up to and with ``/v1``. Without ``model`` the first that it serves is used."""

    url: str
    model: str = ""
    token: str = field(default="", repr=False)
    timeout: float = 300.0
    together: int = 4


class _Sent(BaseModel):
    """What a server sends may hold more than is looked at here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Message(_Sent):
    content: str | None = None


class _Choice(_Sent):
    message: _Message
    finish_reason: str | None = None


class _Completion(_Sent):
    choices: tuple[_Choice, ...]


class _Model(_Sent):
    id: str


class _Models(_Sent):
    data: tuple[_Model, ...]


class RemoteReasoner:
    """Puts asks to an endpoint. Every call opens its own connections and leaves none behind."""

    def __init__(self, endpoint: Endpoint, capacity: Capacity | None = None) -> None:
        self._endpoint = endpoint
        self.capacity = capacity or Capacity(together=endpoint.together)

    @property
    def card(self) -> ModelCard:
        """What is asked; nothing is known of the server's own revision of the model."""
        return ModelCard(
            role="reasoner",
            name=self._endpoint.model or "the first model served",
            revision=self._endpoint.url,
            accepts=("text", "image", "audio", "video"),
            limits="as the server has them",
        )

    def reason(self, asks: Sequence[Ask], budget: int, control: Control) -> list[Answer[Reasoned]]:
        """Return one answer per ask. Raises RemoteEngineFailed where no ask could be answered, and Cancelled."""
        return asyncio.run(self._reason(asks, budget, control)) if asks else []

    async def _reason(self, asks: Sequence[Ask], budget: int, control: Control) -> list[Answer[Reasoned]]:
        import httpx

        headers = {"Authorization": f"Bearer {self._endpoint.token}"} if self._endpoint.token else {}
        timeout = httpx.Timeout(self._endpoint.timeout, connect=10.0)
        async with httpx.AsyncClient(headers=headers, timeout=timeout, follow_redirects=False) as client:
            work = asyncio.ensure_future(self._answers(client, asks, budget))
            try:
                while not work.done():
                    await asyncio.wait([work], timeout=_POLL)
                    control.check()
                return work.result()
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)

    async def _answers(self, client: "httpx.AsyncClient", asks: Sequence[Ask], budget: int) -> list[Answer[Reasoned]]:
        model = self._endpoint.model or await self._first_model(client)
        free = asyncio.Semaphore(self._endpoint.together)

        async def answer(ask: Ask) -> Answer[Reasoned]:
            async with free:
                request = await asyncio.to_thread(chat_request, ask, model, budget)
                return await self._answer(client, request)

        tasks = [asyncio.ensure_future(answer(ask)) for ask in asks]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _first_model(self, client: "httpx.AsyncClient") -> str:
        status, body = await self._sent(client, "models", None)
        try:
            return _Models.model_validate_json(body).data[0].id
        except (ValidationError, IndexError):
            raise _unusable(f"it answered {status} and named no model") from None

    async def _answer(self, client: "httpx.AsyncClient", request: dict[str, Any]) -> Answer[Reasoned]:
        status, body = await self._sent(client, "chat/completions", request)
        if status != 200:
            return Failed(RemoteEngineFailed.code, f"the remote engine refused this part ({status})")
        try:
            choice = _Completion.model_validate_json(body).choices[0]
        except (ValidationError, IndexError):
            return Failed(RemoteEngineFailed.code, "the remote engine answered in no known form")
        if choice.message.content is None:
            return Failed(RemoteEngineFailed.code, "the remote engine gave no text")
        parsed = parse(choice.message.content)
        complete = parsed.complete and choice.finish_reason != "length"
        return Found((Reasoned(response=parsed.response, complete=complete, dropped=parsed.dropped),))

    async def _sent(self, client: "httpx.AsyncClient", path: str, request: dict[str, Any] | None) -> tuple[int, bytes]:
        """Return the status and body of an answer, asking again while the server is busy or out of reach."""
        import httpx

        url = f"{self._endpoint.url.rstrip('/')}/{path}"
        trouble = ""
        status, body, wait = 0, b"", _FIRST_WAIT
        for number in range(_TRIES):
            if number:
                await asyncio.sleep(wait * random.uniform(0.75, 1.25))  # callers that failed together come back apart
            asked_to_wait = 0.0
            try:
                async with client.stream("POST" if request else "GET", url, json=request) as response:
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
            raise _unusable(trouble)
        return status, body


def chat_request(ask: Ask, model: str, budget: int) -> dict[str, Any]:
    """Return the body of the request that puts an ask, in the types of the OpenAI client library."""
    return {
        "model": model,
        "messages": [{"role": "user", "content": list(_content(ask))}],
        "max_tokens": budget,
        "temperature": 0.0,
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "meta_response",
                "strict": True,
                "schema": with_patterns_for_lengths(grammar(ask.form)),
            },
        },
    }


def _content(ask: Ask) -> Iterator[dict[str, Any]]:
    for part in turn(ask):
        match part:
            case str():
                yield {"type": "text", "text": part}
            case Picture():
                yield _picture(part)
            case Sound():
                yield _sound(part)
            case VideoPassage():
                for time, picture in zip(part.times, part.pictures, strict=True):
                    yield {"type": "text", "text": f"<{time:.1f} seconds>"}
                    yield _picture(picture)
                if part.sound is not None:
                    yield _sound(part.sound)


def _picture(picture: Picture) -> dict[str, Any]:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture.pixels).save(file, "JPEG", quality=92)
    data = base64.b64encode(file.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}


def _sound(sound: Sound) -> dict[str, Any]:
    import numpy

    samples = (numpy.clip(sound.samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()
    head = struct.pack(
        "<4sI8sIHHIIHH4sI",
        *(
            b"RIFF",
            36 + len(samples),
            b"WAVEfmt ",
            16,
            1,
            1,
            SAMPLE_RATE,
            2 * SAMPLE_RATE,
            2,
            16,
            b"data",
            len(samples),
        ),
    )
    data = base64.b64encode(head + samples).decode()
    return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}


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
    return RemoteEngineFailed(
        f"the remote engine cannot be used: {why}", "Check REAMO_REMOTE_URL, REAMO_REMOTE_MODEL and REAMO_REMOTE_TOKEN"
    )
