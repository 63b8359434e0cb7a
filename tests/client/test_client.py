"""The typed client against a server in this process, over an extractor written by the test."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import anyio
import pytest

from reamo_mcp.client import ReamoClient
from reamo_mcp.errors import CorruptMedia, Deadline, InvalidArgument, RemoteEngineFailed, ResultExpired
from reamo_mcp.server.build import build_server
from reamo_mcp.settings import Settings
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import Ontology
from tests.doubles.scripted_extractor import ScriptedExtractor, extraction_of

Era = Literal["auto", "legacy"]
ERAS: tuple[Era, ...] = ("auto", "legacy")
ADA = Document.of(text="Ada met Bob in London")


@asynccontextmanager
async def connected(
    extractor: ScriptedExtractor, folder: Path, era: Era = "auto", patience: float = 60.0
) -> AsyncGenerator[ReamoClient]:
    server = build_server(Settings(cache=folder / "cache"), open_extractor=extractor.opened)
    async with ReamoClient.in_process(server, era=era, patience=patience) as client:
        yield client


@pytest.mark.parametrize("era", ERAS)
async def test_an_extraction_arrives_as_the_record_that_was_made(era: Era, tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path, era) as client:
        extraction = await client.extract_knowledge(ADA)
    assert extraction == extraction_of("Ada met Bob in London")


@pytest.mark.parametrize("era", ERAS)
async def test_a_record_of_several_megabytes_arrives_whole(era: Era, tmp_path: Path) -> None:
    text = " ".join(f"Name{number}" for number in range(5000))
    async with connected(ScriptedExtractor(), tmp_path, era) as client:
        extraction = await client.extract_entities(Document.of(text=text))
    assert len(extraction.entities) == 5000


async def test_the_items_of_a_result_come_page_by_page_to_the_end(tmp_path: Path) -> None:
    text = " ".join(f"Name{number}" for number in range(1000))
    async with connected(ScriptedExtractor(), tmp_path) as client:
        handle = await client.start(Document.of(text=text))
        await client.get_result(handle)
        seen = [item.id async for item in client.items(handle, kinds=["entity"])]
    assert seen == [f"e{number}" for number in range(1, 1001)]


async def test_an_error_of_the_server_is_raised_as_the_same_error(tmp_path: Path) -> None:
    extractor = ScriptedExtractor(failure=CorruptMedia("a.png is damaged", "Give an undamaged copy"))
    async with connected(extractor, tmp_path) as client:
        with pytest.raises(CorruptMedia, match=r"a\.png is damaged\. Give an undamaged copy"):
            await client.extract_entities(ADA)
        with pytest.raises(ResultExpired):
            await client.get_result("r" + "0" * 32)
        with pytest.raises(InvalidArgument, match="pages 3-9"):
            await client.extract_entities(ADA, part="all of it")


@pytest.mark.parametrize("era", ERAS)
async def test_what_the_callers_own_code_raises_comes_out_as_it_is(era: Era, tmp_path: Path) -> None:
    async def raising() -> None:
        async with connected(ScriptedExtractor(), tmp_path, era) as client:
            await client.server_status()
            raise ValueError("of my own")

    async def waiting_for_too_long() -> None:
        async with connected(ScriptedExtractor(steps=10_000), tmp_path, era) as client:
            async with asyncio.timeout(0.2):
                await client.extract_entities(ADA)

    with pytest.raises(ValueError, match="of my own"):
        await raising()
    with pytest.raises(TimeoutError):
        await waiting_for_too_long()


async def test_a_program_that_is_no_server_is_told_in_one_sentence(tmp_path: Path) -> None:
    for command in ([str(tmp_path / "none")], [sys.executable, "-c", ""]):
        with pytest.raises(RemoteEngineFailed, match="does not answer") as raised:
            async with ReamoClient.stdio(command=command):
                pytest.fail("there was nothing to connect to")
        assert raised.value.hint


async def test_an_ontology_of_ones_own_reaches_the_extractor(tmp_path: Path) -> None:
    seen: list[Ontology] = []

    class Noting(ScriptedExtractor):
        async def extract(self, document: Document, ontology: Ontology, **options: object):  # type: ignore[override]
            seen.append(ontology)
            return extraction_of("Ada")

    own = Ontology.of(entity_types=["ship"], relation_types=["captain of"], event_types=["launch"])
    async with connected(Noting(), tmp_path) as client:
        await client.extract_knowledge(ADA, ontology=own)
    assert seen == [own]


async def test_progress_puts_off_the_timeout(tmp_path: Path) -> None:
    told: list[str | None] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append(message)

    async with connected(ScriptedExtractor(steps=350), tmp_path, patience=3) as client:
        extraction = await client.extract_entities(ADA, report=note)
    assert extraction.entities
    assert told


async def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(steps=1, pace=5), tmp_path, patience=0.2) as client:
        with pytest.raises(Deadline, match="silent"):
            await client.extract_entities(ADA)


async def test_a_caller_that_leaves_stops_its_work(tmp_path: Path) -> None:
    extractor = ScriptedExtractor(steps=10_000)
    async with connected(extractor, tmp_path) as client:
        async with anyio.create_task_group() as calls:
            calls.start_soon(client.extract_entities, ADA)
            await extractor.has_begun.wait()
            calls.cancel_scope.cancel()
        with anyio.fail_after(5):
            await extractor.has_ended.wait()
    assert extractor.ended == ["cancelled"]


async def test_a_phrase_has_its_places(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path) as client:
        found = await client.ground("Bob", ADA)
        missing = await client.ground("Eve", ADA)
    assert [(place.kind, place.quote) for place in found.entities[0].groundings] == [("text_span", "Bob")]
    assert missing.entities == ()
    assert missing.ungrounded[0].reason


async def test_the_status_is_a_record(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path) as client:
        before = await client.server_status()
        await client.extract_entities(ADA)
        after = await client.server_status()
    assert (before.ready, after.ready) == (False, True)


async def test_the_proof_of_an_item_comes_as_words_and_as_a_picture(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(picture=b"\xff\xd8 a picture"), tmp_path) as client:
        result_id = await client.start(ADA)
        await client.get_result(result_id)
        shown = await client.show_evidence(result_id, ["e1"])
        assert len(shown.evidence) == 1
        assert "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}Ada" in shown.evidence[0]
        assert await client.show_picture(result_id, ["e1"]) == b"\xff\xd8 a picture"


async def test_a_server_of_its_own_gets_what_devices_caches_and_settings_go_by_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    monkeypatch.setenv("REAMO_MOST_PAGES", "7")
    monkeypatch.setenv("HF_HOME", "/models")
    monkeypatch.setenv("SOME_SECRET", "hidden")
    written = tmp_path / "environment.json"
    program = f"import json, os; json.dump(dict(os.environ), open({str(written)!r}, 'w'))"
    with pytest.raises(RemoteEngineFailed):
        async with ReamoClient.stdio(command=[sys.executable, "-c", program], environment={"REAMO_MOST_PAGES": "8"}):
            pytest.fail("it is no server")
    seen = json.loads(written.read_text(encoding="utf-8"))
    assert (seen["CUDA_VISIBLE_DEVICES"], seen["HF_HOME"], seen["REAMO_MOST_PAGES"]) == ("3", "/models", "8")
    assert "SOME_SECRET" not in seen
