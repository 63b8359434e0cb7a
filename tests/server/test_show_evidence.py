"""The tool show_evidence through a real client in memory."""

import base64
import json
import sys
from pathlib import Path

import pytest
from mcp import MCPError
from mcp.types import BlobResourceContents, ResourceTemplateReference, TextResourceContents

from reamo_mcp.types.extraction import Entity, Extraction, Ungrounded
from reamo_mcp.types.grounding import AudioSegment
from reamo_mcp.types.media import AudioMedium, Document, OpenedDocument
from tests.doubles.scripted_extractor import ENGINE, SCRIPT, ScriptedExtractor
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


def spoken(_: Document) -> Extraction:
    """A recording in which Ada is named from the second to the third second."""
    medium = AudioMedium(id="m1", name="talk.wav", sha256="0" * 64, format="wav", duration=9.0)
    place = AudioSegment(id="g1", media_id="m1", start=2, end=3, quote="Ada", provenance=SCRIPT)
    return Extraction(
        document=OpenedDocument(id="d1", media=(medium,)),
        entities=(Entity(id="e1", type="person", name="Ada", groundings=(place,)),),
        ungrounded=(Ungrounded(kind="entity", type="person", text="Eve", reason="nobody says so", media_id="m1"),),
        engine=ENGINE,
    )


@pytest.fixture
def moviepy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a package of this name be found; the extractor of these tests needs none."""
    (tmp_path / "moviepy").mkdir()
    (tmp_path / "moviepy" / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])


async def test_a_claim_without_proof_is_shown_with_the_reason(tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(answer=spoken), tmp_path) as client:
        result_id = structure(await client.call_tool("extract_entities", {"text": ADA}))["result_id"]
        both = structure(await client.call_tool("show_evidence", {"result_id": result_id, "ids": ["u1", "e1"]}))
        alone = await client.call_tool("show_evidence", {"result_id": result_id, "ids": ["u1"], "picture": True})
        beyond = await client.call_tool("show_evidence", {"result_id": result_id, "ids": ["u2"]})
    assert both["evidence"][0].startswith("g1 m1 00:00:02.00-00:00:03.00")
    assert both["evidence"][1] == "u1 entity person 'Eve' in m1: no proof: nobody says so"
    assert alone.is_error
    assert "no item 'u2'" in words(beyond)


@pytest.mark.usefixtures("moviepy")
@pytest.mark.parametrize("era", ERAS)
async def test_the_moment_of_a_recording_is_a_resource_that_can_be_read(era: str, tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(answer=spoken, clip=b"a clip"), tmp_path, era) as client:
        result_id = structure(await client.call_tool("extract_entities", {"text": ADA}))["result_id"]
        answer = await client.call_tool("show_evidence", {"result_id": result_id, "ids": ["e1", "u1"]})
        uri = f"reamo://evidence/{result_id}/e1.mp3"
        assert structure(answer)["clips"] == [uri]
        assert uri in words(answer)
        links = [block for block in answer.content if block.type == "resource_link"]
        assert [(str(link.uri), link.mime_type) for link in links] == [(uri, "audio/mpeg")]
        (content,) = (await client.read_resource(uri)).contents
        assert isinstance(content, BlobResourceContents)
        assert (base64.b64decode(content.blob), content.mime_type) == (b"a clip", "audio/mpeg")
        for missing in ("e1.mp4", "e2.mp3", "u1.mp3"):
            with pytest.raises(MCPError, match="invalid_argument"):
                await client.read_resource(f"reamo://evidence/{result_id}/{missing}")


@pytest.mark.usefixtures("moviepy")
async def test_much_proof_stays_small_and_says_what_it_left_out(tmp_path: Path) -> None:
    def talked(_: Document) -> Extraction:
        said = spoken(_)
        places = tuple(
            said.entities[0].groundings[0].model_copy(update={"id": f"g{number}", "quote": '"' * 150})
            for number in range(1000)
        )
        entities = tuple(
            said.entities[0].model_copy(update={"id": f"e{number}", "groundings": places[number::8]})
            for number in range(8)
        )
        return said.model_copy(update={"entities": entities})

    async with connected(ScriptedExtractor(answer=talked), tmp_path) as client:
        result_id = structure(await client.call_tool("extract_entities", {"text": ADA}))["result_id"]
        ids = [f"e{number}" for number in range(8)]
        answer = await client.call_tool("show_evidence", {"result_id": result_id, "ids": ids})
    shown = structure(answer)
    assert len(answer.model_dump_json(by_alias=True, exclude_none=True)) <= 20_000
    assert len(shown["clips"]) == 8
    assert shown["notice"].startswith(f"{1000 - len(shown['evidence'])} more places")


async def test_without_the_extra_no_clip_is_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moviepy", None)
    async with connected(ScriptedExtractor(answer=spoken), tmp_path) as client:
        result_id = structure(await client.call_tool("extract_entities", {"text": ADA}))["result_id"]
        answer = await client.call_tool("show_evidence", {"result_id": result_id, "ids": ["e1"]})
    assert "clips" not in structure(answer)
    assert structure(answer)["evidence"] == ["g1 m1 00:00:02.00-00:00:03.00: «Ada»"]


@pytest.mark.parametrize("era", ERAS)
async def test_the_proof_is_a_resource_whose_ids_are_completed(era: str, tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(picture=b"\xff\xd8 a picture"), tmp_path, era) as client:
        result_id = structure(await client.call_tool("extract_knowledge", {"text": ADA}))["result_id"]
        (proof,) = (await client.read_resource(f"reamo://evidence/{result_id}/e2")).contents
        (picture,) = (await client.read_resource(f"reamo://evidence/{result_id}/e2.jpg")).contents
        templates = [template.uri_template for template in (await client.list_resource_templates()).resource_templates]
        template = ResourceTemplateReference(type="ref/resource", uri="reamo://evidence/{result_id}/{item}")
        ids = await client.complete(template, {"name": "item", "value": "e"}, {"result_id": result_id})
        results = await client.complete(template, {"name": "result_id", "value": "r"})
    assert isinstance(proof, TextResourceContents)
    assert "Ada met «Bob» in London" in json.loads(proof.text)["evidence"][0]
    assert isinstance(picture, BlobResourceContents)
    assert picture.mime_type == "image/jpeg"
    assert template.uri in templates
    assert ids.completion.values == ["e1", "e2", "e3"]
    assert results.completion.values == [result_id]
