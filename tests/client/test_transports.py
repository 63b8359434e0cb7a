"""The typed client over every transport and era: a large result arrives whole, and page by page to its end."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest

from reamo_mcp import Document, ReamoClient
from tests.server.served import SCRIPTED, TOKEN, serve_scripted

NAMES = 5_000
Era = Literal["auto", "legacy"]


@asynccontextmanager
async def connected(transport: str, era: Era, folder: Path) -> AsyncGenerator[ReamoClient]:
    if transport == "http":
        with serve_scripted(folder) as served:
            async with ReamoClient.http(served.url, token=TOKEN, era=era) as client:
                yield client
    elif transport == "front":
        with serve_scripted(folder) as served:
            own = {"REAMO_TOKEN": TOKEN, "REAMO_CACHE": str(folder / "cache of the front")}
            async with ReamoClient.stdio(roots=[folder], engine=served.url, environment=own, era=era) as client:
                yield client
    else:
        own = {"REAMO_CACHE": str(folder / "cache"), "SCRIPT_LOG": str(folder / "log")}
        command = [sys.executable, str(SCRIPTED), "stdio"]
        async with ReamoClient.stdio(roots=[folder], command=command, environment=own, era=era) as client:
            yield client


@pytest.mark.parametrize("era", ["auto", "legacy"])
@pytest.mark.parametrize("transport", ["stdio", "http", "front"])
async def test_five_thousand_entities_arrive_whole_and_page_by_page_with_none_missing_or_doubled(
    transport: str, era: Era, tmp_path: Path
) -> None:
    document = Document.of(text=" ".join(f"Name{number}" for number in range(NAMES)))
    async with connected(transport, era, tmp_path) as client:
        handle = await client.start(document)
        extraction = await client.get_result(handle)
        pages = [item.id async for item in client.items(handle, kinds=["entity"])]
        found = [item.id async for item in client.items(handle, kinds=["entity"], contains="name77")]
    assert [entity.name for entity in extraction.entities] == [f"Name{number}" for number in range(NAMES)]
    assert pages == [f"e{number}" for number in range(1, NAMES + 1)]
    assert len(found) == sum("Name77" in f"Name{number}" for number in range(NAMES))
