"""A typed client whose server or connection is lost: calls fail soon and clearly, none hangs."""

import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import anyio
import pytest

from reamo_mcp import Document, ReamoClient
from reamo_mcp.errors import RemoteEngineFailed
from reamo_mcp.server.build import build_server
from reamo_mcp.settings import Settings
from tests.doubles.scripted_extractor import ScriptedExtractor
from tests.server.served import SCRIPTED, TOKEN, serve_scripted

Era = Literal["auto", "legacy"]
FATAL = Document.of(text="this kills the server")
PATIENCE = 30.0


@asynccontextmanager
async def connected(transport: str, era: Era, folder: Path) -> AsyncGenerator[ReamoClient]:
    if transport == "http":
        with serve_scripted(folder) as served:
            async with ReamoClient.http(served.url, token=TOKEN, era=era, patience=PATIENCE) as client:
                yield client
    else:
        own = {"REAMO_CACHE": str(folder / "cache"), "SCRIPT_LOG": str(folder / "log")}
        command = [sys.executable, str(SCRIPTED), "stdio"]
        async with ReamoClient.stdio(command=command, environment=own, era=era, patience=PATIENCE) as client:
            yield client


@pytest.mark.parametrize("era", ["auto", "legacy"])
@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_server_that_dies_fails_the_call_that_waits_and_those_after_it_and_not_the_body(
    transport: str, era: Era, tmp_path: Path
) -> None:
    reached = False
    async with connected(transport, era, tmp_path) as client:
        await client.server_status()
        begun = time.monotonic()
        with pytest.raises(RemoteEngineFailed, match="did not answer"):
            await client.extract_entities(FATAL)
        with pytest.raises(RemoteEngineFailed, match="did not answer"):
            await client.server_status()
        with pytest.raises(RemoteEngineFailed, match="did not answer"):
            await client.read_clip("reamo://evidence/r0/e1.mp3")
        assert time.monotonic() - begun < PATIENCE / 2
        reached = True
    assert reached


async def test_a_connection_whose_own_task_breaks_fails_its_calls_and_not_the_body(tmp_path: Path) -> None:
    extractor = ScriptedExtractor(steps=100_000)

    @asynccontextmanager
    async def breaking(_: Settings) -> AsyncGenerator[ScriptedExtractor]:
        async def fail() -> None:
            await extractor.has_begun.wait()
            raise RuntimeError("of the engine")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail)
            yield extractor

    server = build_server(Settings(cache=tmp_path / "cache"), open_extractor=breaking)
    reached = False
    async with ReamoClient.in_process(server, era="legacy", patience=PATIENCE) as client:
        with anyio.fail_after(PATIENCE / 2):
            for _ in range(2):
                with pytest.raises(RemoteEngineFailed, match="did not answer"):
                    await client.extract_entities(Document.of(text="Ada"))
        reached = True
    assert reached


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt()], ids=["SystemExit", "KeyboardInterrupt"])
async def test_what_ends_the_program_comes_out_of_the_body_as_it_is(raised: BaseException, tmp_path: Path) -> None:
    server = build_server(Settings(cache=tmp_path / "cache"), open_extractor=ScriptedExtractor().opened)

    async def body() -> None:
        async with ReamoClient.in_process(server) as client:
            await client.server_status()
            raise raised

    with pytest.raises(type(raised)) as caught:
        await body()
    assert caught.value is raised
