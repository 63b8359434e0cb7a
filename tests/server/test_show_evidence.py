"""The tool show_evidence through a real client in memory."""

import base64
from pathlib import Path

import pytest

from tests.doubles.scripted_extractor import ScriptedExtractor
from tests.server.test_tools_in_memory import ADA, ERAS, connected, structure, words


@pytest.mark.parametrize("era", ERAS)
async def test_quotes_stand_in_their_context(era: str, tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path, era) as client:
        result_id = structure(await client.call_tool("extract_knowledge", {"text": ADA}))["result_id"]
        answer = await client.call_tool("show_evidence", {"result_id": result_id, "ids": ["e2", "r1"]})
    lines = structure(answer)["evidence"]
    assert len(lines) == 2
    assert "Ada met «Bob» in London" in lines[0]
    assert "«Ada» met Bob in London" in words(answer)


async def test_a_picture_comes_alone_and_small(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(picture=b"\xff\xd8 a picture"), tmp_path) as client:
        result_id = structure(await client.call_tool("extract_entities", {"text": ADA}))["result_id"]
        answer = await client.call_tool("show_evidence", {"result_id": result_id, "ids": ["e1"], "picture": True})
    assert answer.structured_content is None
    (block,) = answer.content
    assert block.type == "image"
    assert base64.b64decode(block.data) == b"\xff\xd8 a picture"


async def test_unknown_ids_results_and_pictures_that_cannot_be_are_told(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path) as client:
        result_id = structure(await client.call_tool("extract_entities", {"text": ADA}))["result_id"]
        for arguments, said in (
            ({"result_id": result_id, "ids": ["e99"]}, "no item 'e99'"),
            ({"result_id": "r" + "0" * 32, "ids": ["e1"]}, "no finished result"),
            ({"result_id": result_id, "ids": ["e1"], "picture": True}, "Ask again without 'picture'"),
        ):
            answer = await client.call_tool("show_evidence", arguments)
            assert answer.is_error
            assert said in words(answer)
