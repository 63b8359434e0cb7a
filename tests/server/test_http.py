"""The server over HTTP, as a process of its own, with clients that wait, cancel, leave, come back and misbehave."""

import json
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.testclient import TestClient

from reamo_mcp import Document, ReamoClient
from reamo_mcp.errors import Busy, Cancelled, InvalidArgument, RemoteEngineFailed
from reamo_mcp.server.http import http_app, serve
from reamo_mcp.settings import Settings
from reamo_mcp.types.answers import Answer
from tests.server.served import TOKEN, Served, free_port, serve_scripted

Era = Literal["auto", "legacy"]
ERAS: tuple[Era, ...] = ("auto", "legacy")
SOON = 5  # seconds, for a busy machine; on one at rest it is a small part of one
VERSION = "2026-07-28"
META: dict[str, object] = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
}
LIST: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
HEADERS = {
    "authorization": f"Bearer {TOKEN}",
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": VERSION,
    "mcp-method": "tools/list",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    with serve_scripted(tmp_path_factory.mktemp("served")) as served:
        yield served


@asynccontextmanager
async def plain_client(url: str, era: Era) -> AsyncGenerator[Client]:
    """A client that knows nothing of ours, and gives up a call after three seconds."""
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(30.0, read=None)) as connection:
        async with Client(
            streamable_http_client(url, http_client=connection), mode=era, read_timeout_seconds=3
        ) as client:
            yield client


async def until_running(client: ReamoClient, running: int, queued: int = 0) -> None:
    """Wait until so many jobs are worked on and wait for their turn."""
    with anyio.fail_after(20):
        while True:
            status = await client.server_status()
            if (status.running, status.queued) == (running, queued):
                return


@pytest.mark.parametrize(
    ("changed", "content", "status"),
    [
        ({}, None, 200),
        ({"authorization": "Bearer another token"}, None, 401),
        ({"authorization": ""}, None, 401),
        ({"host": "evil.example"}, None, 421),
        ({"host": "localhost.evil.example:80"}, None, 421),
        ({"origin": "http://evil.example"}, None, 403),
        ({"origin": "null"}, None, 403),
        ({"content-type": "text/plain"}, None, 400),
        ({"mcp-method": "tools/call"}, None, 400),
        ({"mcp-protocol-version": "2031-01-01"}, None, 400),
        ({}, b"{", 400),
        ({}, b"[]", 400),
        ({}, b'{"jsonrpc": "1.0", "id": 1, "method": "tools/list"}', 400),
        ({}, b"\xff\xfe", 400),
        ({}, b'{"x": "' + b"a" * (5 << 20) + b'"}', 413),
    ],
)
def test_only_requests_with_the_token_to_this_host_in_the_right_form_and_size_are_answered(
    changed: dict[str, str], content: bytes | None, status: int, served: Served
) -> None:
    answer = httpx.post(
        served.url, headers={**HEADERS, **changed}, content=json.dumps(LIST).encode() if content is None else content
    )
    assert answer.status_code == status
    assert ("tools" in answer.text) == (status == 200)
    assert "Traceback" not in answer.text


def test_getting_is_refused_and_so_is_an_address_for_others_without_a_token_of_its_own(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert httpx.get(served.url, headers=HEADERS).status_code == 405
    monkeypatch.delenv("REAMO_TOKEN", raising=False)
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(InvalidArgument, match="other machines") as raised:
            serve(Settings(), host=host, port=free_port())
        assert "token" in raised.value.hint


def test_a_foreign_host_is_refused_on_every_address(tmp_path: Path) -> None:
    app = http_app(Settings(cache=tmp_path), host="0.0.0.0", port=8765, token=TOKEN)
    with TestClient(app, base_url="http://evil.example:8765") as foreign:
        assert foreign.post("/mcp", headers=HEADERS, json=LIST).status_code == 421
        own = {**HEADERS, "host": "127.0.0.1:8765"}
        assert foreign.post("/mcp", headers=own, json=LIST).status_code == 200


def test_an_address_of_ipv6_is_served(tmp_path: Path) -> None:
    app = http_app(Settings(cache=tmp_path), host="::1", port=8765, token=TOKEN)
    with TestClient(app, base_url="http://[::1]:8765") as client:
        assert client.post("/mcp", headers=HEADERS, json=LIST).status_code == 200


@pytest.mark.parametrize("era", ERAS)
async def test_a_long_job_reaches_a_client_that_has_no_patience(era: Era, served: Served) -> None:
    async def answered(client: Client, tool: str, **arguments: object) -> Answer:
        answer = await client.call_tool(tool, {**arguments, "max_wait_s": 0.5})
        return Answer.model_validate(answer.structured_content)

    async with ReamoClient.http(served.url, token=TOKEN) as first:
        await first.extract_entities(Document.of(text="Ada"))  # starts the engine
    async with plain_client(served.url, era) as client:
        answer = await answered(client, "extract_entities", text=f"Ada takes 200 steps {era}")
        assert answer.status == "running"
        asked = 0
        while answer.status == "running":
            answer = await answered(client, "get_result", result_id=answer.result_id)
            asked += 1
    assert answer.items[0].text == "Ada"
    assert asked > 1


@pytest.mark.parametrize("era", ERAS)
async def test_work_is_cancelled_while_it_waits_while_it_runs_and_not_any_more_when_it_is_finished(
    era: Era, served: Served
) -> None:
    def long(name: str) -> Document:
        return Document.of(text=f"{name} takes 100000 steps {era}")

    async with ReamoClient.http(served.url, token=TOKEN, era=era) as client:
        running = [await client.start(long("Ada")), await client.start(long("Bob"))]
        waiting = await client.start(long("Eve"))
        await until_running(client, 2, 1)
        for handle, left in ((waiting, (2, 0)), (running[0], (1, 0)), (running[1], (0, 0))):
            assert (await client.cancel(handle)).status == "cancelled"
            status = await client.server_status()
            assert (status.running, status.queued) == left
            with pytest.raises(Cancelled):
                await client.get_result(handle)
        finished = await client.start(Document.of(text="Ada takes 1 steps"))
        await client.get_result(finished)
        assert (await client.cancel(finished)).status == "finished"
        assert (await client.cancel("r" + "0" * 32)).status == "unknown"


@asynccontextmanager
async def reached(way: str, era: Era, url: str, folder: Path) -> AsyncGenerator[ReamoClient]:
    """A client of the server, straight or through a front."""
    if way == "straight":
        async with ReamoClient.http(url, token=TOKEN, era=era) as client:
            yield client
    else:
        own = {"REAMO_TOKEN": TOKEN, "REAMO_CACHE": str(folder)}
        async with ReamoClient.stdio(roots=[folder], engine=url, environment=own, era=era) as client:
            yield client


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("way", ["straight", "through a front"])
async def test_a_call_is_told_of_and_stops_when_its_client_gives_it_up(
    way: str, era: Era, served: Served, tmp_path: Path
) -> None:
    heard = anyio.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        if total == 100_001:
            heard.set()

    document = Document.of(text=f"Ada takes 100001 steps {era} {way}")
    async with (
        ReamoClient.http(served.url, token=TOKEN) as watching,
        reached(way, era, served.url, tmp_path) as client,
    ):
        async with anyio.create_task_group() as calls:
            calls.start_soon(partial(client.extract_entities, document, report=note))
            await heard.wait()
            assert (await watching.server_status()).running == 1
            calls.cancel_scope.cancel()
        begun = time.monotonic()
        await until_running(watching, 0)
        assert time.monotonic() - begun < SOON


@pytest.mark.parametrize("era", ERAS)
async def test_work_outlives_the_client_that_left_with_its_handle(era: Era, served: Served) -> None:
    async with ReamoClient.http(served.url, token=TOKEN, era=era) as leaving:
        handle = await leaving.start(Document.of(text=f"Ada takes 150 steps {era} alone"))
    async with ReamoClient.http(served.url, token=TOKEN, era=era) as other:
        extraction = await other.get_result(handle)
    assert extraction.entities[0].name == "Ada"


@pytest.mark.parametrize("era", ERAS)
async def test_two_clients_share_one_work_and_one_that_leaves_does_not_take_it_from_the_other(
    era: Era, served: Served
) -> None:
    document = Document.of(text=f"Ada takes 200 steps {era} together")
    hearing = [anyio.Event(), anyio.Event()]
    found: list[str] = []

    async with (
        ReamoClient.http(served.url, token=TOKEN, era=era) as one,
        ReamoClient.http(served.url, token=TOKEN, era=era) as other,
    ):

        async def ask(client: ReamoClient, heard: anyio.Event) -> None:
            async def note(progress: float, total: float | None, message: str | None) -> None:
                if "steps" not in str(message) and "pages" in str(message):
                    heard.set()

            extraction = await client.extract_entities(document, report=note)
            found.append(extraction.entities[0].name)

        async with anyio.create_task_group() as staying, anyio.create_task_group() as leaving:
            staying.start_soon(ask, other, hearing[0])
            leaving.start_soon(ask, one, hearing[1])
            for heard in hearing:
                await heard.wait()
            status = await one.server_status()
            assert (status.running, status.queued) == (1, 0)
            leaving.cancel_scope.cancel()
    assert found == ["Ada"]


async def test_beyond_the_queue_callers_are_told_to_come_back(tmp_path: Path) -> None:
    with serve_scripted(tmp_path, REAMO_MOST_QUEUED="2") as served:
        async with ReamoClient.http(served.url, token=TOKEN) as client:
            handles = [await client.start(Document.of(text=f"Ada takes 10000{number} steps")) for number in range(4)]
            await until_running(client, 2, 2)
            with pytest.raises(Busy, match="2 requests are waiting"):
                await client.start(Document.of(text="Bob takes 10 steps"))
            again = await client.start(Document.of(text="Ada takes 100003 steps"))  # joins what waits already
            assert again == handles[3]
            await client.cancel(handles[0])
            await client.start(Document.of(text="Bob takes 10 steps"))


async def test_a_server_that_is_killed_in_the_middle_finishes_the_work_when_it_is_back(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "a.txt").write_text("Ada met Bob", encoding="utf-8")
    document = Document.of(tmp_path / "a.txt")
    with serve_scripted(tmp_path, port, SCRIPT_STEPS="100000") as first:
        own = {"REAMO_TOKEN": TOKEN, "REAMO_CACHE": str(tmp_path / "cache of the front")}
        async with ReamoClient.stdio(roots=[tmp_path], engine=first.url, environment=own) as front:
            async with ReamoClient.http(first.url, token=TOKEN) as client:
                handle = await client.start(document)
                assert await front.start(document) == handle
                await until_running(client, 1)
                first.process.kill()
                first.process.wait()
                with pytest.raises(RemoteEngineFailed):
                    await client.get_result(handle)
            with pytest.raises(RemoteEngineFailed):
                await front.get_result(handle)
            with serve_scripted(tmp_path, port, SCRIPT_STEPS="1") as second:
                async with ReamoClient.http(second.url, token=TOKEN) as client:
                    extraction = await client.get_result(handle)
                assert await front.get_result(handle) == extraction
    assert [entity.name for entity in extraction.entities] == ["Ada", "Bob"]


@pytest.mark.parametrize("era", ERAS)
async def test_it_ends_within_two_seconds_while_a_call_is_open(era: Era, tmp_path: Path) -> None:
    with serve_scripted(tmp_path, SCRIPT_STEPS="100000") as served:
        async with (
            ReamoClient.http(served.url, token=TOKEN) as watching,
            ReamoClient.http(served.url, token=TOKEN, era=era) as client,
            anyio.create_task_group() as calls,
        ):

            async def ask() -> None:
                with pytest.raises(RemoteEngineFailed):
                    await client.extract_entities(Document.of(text="Ada"))

            calls.start_soon(ask)
            await until_running(watching, 1)
            served.process.terminate()
            begun = time.monotonic()
            assert await anyio.to_thread.run_sync(served.process.wait, 10) in (0, -15)
            assert time.monotonic() - begun < 3  # two, and one for a busy machine
    assert (tmp_path / "log").read_text(encoding="utf-8").split() == ["began", "cancelled", "closed"]
