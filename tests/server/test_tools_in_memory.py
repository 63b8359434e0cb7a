"""The tools through a real client in memory, in both eras of the protocol, over an extractor written by the test."""

import json
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import anyio
import jsonschema
import pytest
from mcp import Client
from mcp.types import CallToolResult, RequestParamsMeta

from reamo_mcp.errors import CorruptMedia
from reamo_mcp.server.build import build_server
from reamo_mcp.server.calls import CALLER
from reamo_mcp.settings import Settings
from reamo_mcp.types.coverage import FailedMedium
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.media import Document
from tests.doubles.scripted_extractor import ScriptedExtractor, extraction_of

ERAS = ("auto", "legacy")
EXTRACTING = ("extract_entities", "extract_relations", "extract_events", "extract_knowledge")
ADA = "Ada met Bob in London"
SOON = 5  # seconds; on a machine at rest it takes a hundredth of that, see tests/benchmarks/server.py


@asynccontextmanager
async def connected(extractor: ScriptedExtractor, folder: Path, era: str = "auto") -> AsyncGenerator[Client]:
    settings = Settings(cache=folder / "cache")
    async with Client(build_server(settings, open_extractor=extractor.opened), mode=era) as client:
        yield client


def words(answer: CallToolResult) -> str:
    return "\n".join(block.text for block in answer.content if block.type == "text")


def structure(answer: CallToolResult) -> dict[str, Any]:
    assert not answer.is_error, words(answer)
    assert answer.structured_content is not None
    return answer.structured_content


async def paged(client: Client, answer: CallToolResult) -> list[str]:
    """Return the ids of the items of an answer and of all pages after it, none of which may be large."""
    seen: list[str] = []
    while True:
        page = structure(answer)
        assert len(answer.model_dump_json(by_alias=True, exclude_none=True)) <= 20_000
        seen += [item["id"] for item in page["items"]]
        if "cursor" not in page:
            return seen
        arguments = {"result_id": page["result_id"], "cursor": page["cursor"], "limit": 200}
        answer = await client.call_tool("get_result", arguments)


def caller(name: str) -> RequestParamsMeta:
    return cast("RequestParamsMeta", {CALLER: name})  # an open map


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("tool", EXTRACTING)
async def test_an_extraction_answers_in_the_published_schema(tool: str, era: str, tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path, era) as client:
        published = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        answer = structure(await client.call_tool(tool, {"text": ADA}))
    schema = published[tool]
    assert schema is not None
    jsonschema.validate(answer, schema)
    assert answer["status"] == "ok"
    assert answer["counts"]["entities"] == 3


@pytest.mark.parametrize("era", ERAS)
async def test_an_entity_comes_with_its_proof_in_short_form(era: str, tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path, era) as client:
        answer = structure(await client.call_tool("extract_entities", {"text": ADA}))
    first = answer["items"][0]
    assert (first["id"], first["kind"], first["type"], first["text"]) == ("e1", "entity", "person", "Ada")
    assert first["at"] == ["g1 m1[0:3]"]
    assert first["located"] == ["m1"]
    assert answer["media"] == ["m1 text text1 21 characters"]


async def test_the_text_of_an_answer_carries_the_same_facts(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path) as client:
        answer = await client.call_tool("extract_entities", {"text": ADA})
    assert "e1 person: Ada 0.9 | g1 m1[0:3]" in words(answer)
    assert structure(answer)["result_id"] in words(answer)


async def test_each_entity_says_in_which_media_it_is_absent(tmp_path: Path) -> None:
    extractor = ScriptedExtractor(answer=lambda _: extraction_of("Ada", "nobody", absent=True))
    async with connected(extractor, tmp_path) as client:
        answer = structure(await client.call_tool("extract_entities", {"text": ADA}))
    assert answer["items"][0]["located"] == ["m1"]
    assert answer["items"][0]["absent"] == ["m2"]


async def test_the_same_request_on_the_same_content_is_worked_on_once(tmp_path: Path) -> None:
    extractor = ScriptedExtractor()
    async with connected(extractor, tmp_path) as client:
        first = structure(await client.call_tool("extract_entities", {"text": ADA}))
        second = structure(await client.call_tool("extract_entities", {"text": ADA}))
    assert first["result_id"] == second["result_id"]
    assert len(extractor.began) == 1


async def test_another_request_or_other_content_has_another_handle(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path) as client:
        handles = {
            structure(await client.call_tool(tool, arguments))["result_id"]
            for tool, arguments in [
                ("extract_entities", {"text": ADA}),
                ("extract_entities", {"text": "Bob"}),
                ("extract_entities", {"text": ADA, "min_score": 0.5}),
                ("extract_entities", {"text": ADA, "entity_types": ["ship"]}),
                ("extract_relations", {"text": ADA}),
                ("ground", {"text": ADA, "phrase": "Bob"}),
            ]
        }
    assert len(handles) == 6


@pytest.mark.parametrize("era", ERAS)
async def test_work_that_takes_longer_answers_with_a_handle_and_goes_on(era: str, tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(steps=20), tmp_path, era) as client:
        answer = structure(await client.call_tool("extract_entities", {"text": ADA, "max_wait_s": 0}))
        assert answer["status"] == "running"
        assert "get_result" in answer["notice"]
        finished = structure(await client.call_tool("get_result", {"result_id": answer["result_id"]}))
    assert finished["status"] == "ok"
    assert finished["counts"]["entities"] == 3


async def test_a_failure_reaches_the_model_as_code_event_and_remedy(tmp_path: Path) -> None:
    extractor = ScriptedExtractor(failure=CorruptMedia("a.png is damaged", "Give an undamaged copy"))
    async with connected(extractor, tmp_path) as client:
        answer = await client.call_tool("extract_entities", {"text": ADA})
    assert answer.is_error
    assert words(answer) == "[corrupt_media] a.png is damaged. Give an undamaged copy"


async def test_a_defect_tells_no_detail(tmp_path: Path) -> None:
    def defect(_: object) -> Any:
        raise ZeroDivisionError("/home/secret")

    async with connected(ScriptedExtractor(answer=defect), tmp_path) as client:
        answer = await client.call_tool("extract_entities", {"text": ADA})
    assert answer.is_error
    assert words(answer).startswith("[engine_failed]")
    assert "secret" not in words(answer)


async def test_progress_comes_in_units_with_a_message(tmp_path: Path) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with connected(ScriptedExtractor(steps=100), tmp_path) as client:
        await client.call_tool("extract_entities", {"text": ADA}, progress_callback=note)
    assert told
    assert told[-1][1] == 100
    assert "reading a script" in str(told[-1][2])
    assert "of 100 pages" in str(told[-1][2])


@pytest.mark.parametrize("era", ERAS)
async def test_a_step_however_long_is_told_of_at_least_every_five_seconds(era: str, tmp_path: Path) -> None:
    heard: list[float] = []
    enough = anyio.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        heard.append(time.monotonic())
        if len(heard) == 3:
            enough.set()

    begun = time.monotonic()
    async with connected(ScriptedExtractor(steps=1, pace=100), tmp_path, era) as client:
        async with anyio.create_task_group() as calls:
            calls.start_soon(partial(client.call_tool, "extract_entities", {"text": ADA}, progress_callback=note))
            await enough.wait()
            calls.cancel_scope.cancel()
    assert all(later - earlier < 5 for earlier, later in pairwise([begun, *heard]))


async def test_an_engine_that_is_slow_to_start_is_told_of_while_others_are_answered(tmp_path: Path) -> None:
    heard: list[str] = []
    told = anyio.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        heard.append(str(message))
        told.set()

    @asynccontextmanager
    async def slow(_: Settings) -> AsyncGenerator[ScriptedExtractor]:
        await told.wait()
        yield ScriptedExtractor()

    server = build_server(Settings(cache=tmp_path / "cache"), open_extractor=slow)
    async with Client(server) as client, anyio.create_task_group() as calls:
        calls.start_soon(partial(client.call_tool, "extract_entities", {"text": ADA}, progress_callback=note))
        begun = time.monotonic()
        assert structure(await client.call_tool("server_status", {}))["ready"] is False
        assert time.monotonic() - begun < 1
    assert heard[0] == "starting the engine"


@pytest.mark.parametrize("era", ERAS)
async def test_one_caller_with_much_work_does_not_starve_another(era: str, tmp_path: Path) -> None:
    extractor = ScriptedExtractor(steps=30)
    server = build_server(Settings(cache=tmp_path / "cache"), open_extractor=extractor.opened)
    texts = [f"Ada {number}" for number in range(8)]
    async with Client(server, mode=era) as client:
        for text in texts:
            arguments = {"text": text, "max_wait_s": 0}
            await client.session.call_tool("extract_entities", arguments, meta=caller("greedy"))
        await client.session.call_tool("extract_entities", {"text": "Bob"}, meta=caller("modest"))
    order = [document.sources[0] for document in extractor.began]
    names = [source.text for source in order if source.kind == "text"]
    assert names.index("Bob") <= 3, "after the two that ran and at most one that waited"


@pytest.mark.parametrize("era", ERAS)
async def test_a_cancelled_call_stops_the_work(era: str, tmp_path: Path) -> None:
    extractor = ScriptedExtractor(steps=10_000)
    async with connected(extractor, tmp_path, era) as client:
        async with anyio.create_task_group() as calls:
            calls.start_soon(client.call_tool, "extract_entities", {"text": ADA})
            await extractor.has_begun.wait()
            calls.cancel_scope.cancel()
        with anyio.fail_after(SOON):
            await extractor.has_ended.wait()
    assert extractor.ended == ["cancelled"]


async def test_the_tool_cancel_stops_work_that_goes_on(tmp_path: Path) -> None:
    extractor = ScriptedExtractor(steps=10_000)
    async with connected(extractor, tmp_path) as client:
        handle = structure(await client.call_tool("extract_entities", {"text": ADA, "max_wait_s": 0}))["result_id"]
        await extractor.has_begun.wait()
        answer = structure(await client.call_tool("cancel", {"result_id": handle}))
        assert answer["status"] == "cancelled"
        assert extractor.ended == ["cancelled"]
        after = await client.call_tool("get_result", {"result_id": handle})
    assert after.is_error
    assert words(after).startswith("[cancelled]")


async def test_a_handle_that_was_never_given_is_expired_not_crashed(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path) as client:
        for handle in ("r" + "0" * 32, "../../etc/passwd", "R!", "r1"):
            answer = await client.call_tool("get_result", {"result_id": handle})
            assert words(answer).startswith("[result_expired]"), handle


async def test_the_status_needs_no_engine(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path) as client:
        answer = structure(await client.call_tool("server_status", {}))
    assert answer["ready"] is False
    assert answer["engine"] == "embedded"
    assert "general" in answer["ontologies"]


async def test_the_status_tells_device_queue_limits_and_the_memory_of_children(tmp_path: Path) -> None:
    hoarding = "import sys; held = b'x' * (64 << 20); print(len(held), flush=True); sys.stdin.read()"
    async with connected(ScriptedExtractor(steps=10_000), tmp_path) as client:
        before = structure(await client.call_tool("server_status", {}))
        answer = structure(await client.call_tool("extract_entities", {"text": ADA, "max_wait_s": 0}))
        async with await anyio.open_process([sys.executable, "-c", hoarding]) as child:
            assert child.stdout is not None
            await child.stdout.receive()
            after = structure(await client.call_tool("server_status", {}))
            child.kill()
        await client.call_tool("cancel", {"result_id": answer["result_id"]})
    assert (before["device"], after["device"]) == ("not started", "paper")
    assert after["running"] + after.get("queued", 0) == 1
    assert after["limits"]["most_queued"] == 16
    assert after["memory_mb"] > before["memory_mb"] + 60


async def test_a_phrase_is_found_in_every_text_that_says_it(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path) as client:
        answer = structure(await client.call_tool("ground", {"text": "Ada and  Bob, then Ada", "phrase": "Ada"}))
        missing = structure(await client.call_tool("ground", {"text": ADA, "phrase": "Eve"}))
    assert answer["items"][0]["at"] == ["g1 m1[0:3]", "g2 m1[19:22]"]
    assert [item["kind"] for item in missing["items"]] == ["ungrounded"]


async def test_a_large_result_pages_to_its_end_with_nothing_missing_or_doubled(tmp_path: Path) -> None:
    text = " ".join(f"Name{number}" for number in range(5000))
    async with connected(ScriptedExtractor(), tmp_path) as client:
        answer = await client.call_tool("extract_entities", {"text": text, "limit": 200})
        seen = await paged(client, answer)
    assert seen == [f"e{number}" for number in range(1, 5001)]


async def test_a_page_over_files_with_hostile_names_stays_small(tmp_path: Path) -> None:
    def named(_: Document) -> Extraction:
        plain = extraction_of(*(f"Ada met Bob {number}" for number in range(80)))
        media = tuple(medium.model_copy(update={"name": '"\\' * 40}) for medium in plain.document.media)
        return plain.model_copy(update={"document": plain.document.model_copy(update={"media": media})})

    async with connected(ScriptedExtractor(answer=named), tmp_path) as client:
        answer = await client.call_tool("extract_knowledge", {"text": ADA, "limit": 200})
        seen = await paged(client, answer)
    assert seen == [*(f"e{number}" for number in range(1, 161)), "r1"]


async def test_the_items_of_one_file_are_asked_for_by_its_id_its_name_or_the_path_that_was_given(
    tmp_path: Path,
) -> None:
    def answered(_: Document) -> Extraction:
        plain = extraction_of("Ada", "Bob")
        media = tuple(medium.model_copy(update={"name": f"{medium.id}.txt"}) for medium in plain.document.media)
        failed = (FailedMedium(name="damaged.png", code="corrupt_media", message="it is damaged"),)
        coverage = plain.coverage.model_copy(update={"failed": failed})
        document = plain.document.model_copy(update={"media": media})
        return plain.model_copy(update={"document": document, "coverage": coverage})

    async with connected(ScriptedExtractor(answer=answered), tmp_path) as client:
        handle = structure(await client.call_tool("extract_entities", {"text": ADA}))["result_id"]
        for file in ("m2", "m2.txt", "folder/m2.txt"):
            arguments = {"result_id": handle, "kinds": ["entity"], "file": file}
            page = structure(await client.call_tool("get_result", arguments))
            assert [item["text"] for item in page["items"]] == ["Bob"], file
        failed = structure(await client.call_tool("get_result", {"result_id": handle, "file": "damaged.png"}))
        other = await client.call_tool("get_result", {"result_id": handle, "file": "m3.txt"})
    assert "items" not in failed
    assert failed["coverage"][0] == "damaged.png: [corrupt_media] it is damaged"
    assert words(other) == "[invalid_argument] this result has no medium 'm3.txt'. Its media: m1 m1.txt, m2 m2.txt"


async def test_coverage_that_is_asked_for_is_not_told_twice(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path) as client:
        first = structure(await client.call_tool("extract_entities", {"text": ADA}))
        arguments = {"result_id": first["result_id"], "kinds": ["coverage"]}
        asked = structure(await client.call_tool("get_result", arguments))
    assert [item["text"] for item in asked["items"]] == first["coverage"]
    assert "coverage" not in asked


async def test_control_and_bidi_characters_are_shown_escaped(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path) as client:
        answer = await client.call_tool("extract_entities", {"text": "Ada\u202eBob\x1b[31m"})
    assert "\u202e" not in words(answer) + json.dumps(answer.structured_content, ensure_ascii=False)
    assert "\\u202e" in structure(answer)["items"][0]["text"]
    assert "\\u001b" in structure(answer)["items"][0]["text"]


async def test_an_entity_of_many_places_says_how_many_and_lists_all_when_asked(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path) as client:
        text = "Ada " * 100
        short = structure(await client.call_tool("ground", {"text": text, "phrase": "Ada"}))
        arguments = {"result_id": short["result_id"], "detail": "short"}
        few = structure(await client.call_tool("get_result", arguments))["items"]
    assert few[0]["note"] == "5 of 100 places; get_result with detail='full' lists all"
    parts = short["items"]
    assert [part["note"] for part in parts] == [f"places {at} of 100" for at in ("1-40", "41-80", "81-100")]
    assert [line for part in parts for line in part["at"]] == [
        f"g{number + 1} m1[{4 * number}:{4 * number + 3}]" for number in range(100)
    ]
