"""What the server offers besides its tools: resources with completion, and prompts."""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import Completion, ResourceTemplateReference, TextResourceContents

from tests.doubles.scripted_extractor import ScriptedExtractor
from tests.server.test_tools_in_memory import ADA, ERAS, connected, structure

PROMPTS = ["extract_from_files", "timeline", "who_did_what", "compare_sources"]


async def read(client: Client, uri: str) -> dict[str, Any]:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    return json.loads(content.text)


async def completed(client: Client, uri: str, name: str, value: str) -> Completion:
    return (
        await client.complete(ResourceTemplateReference(type="ref/resource", uri=uri), {"name": name, "value": value})
    ).completion


@pytest.mark.parametrize("era", ERAS)
async def test_state_results_and_ontologies_are_resources(era: str, tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path, era) as client:
        found = structure(await client.call_tool("extract_entities", {"text": ADA}))
        result_id = found["result_id"]
        assert [str(resource.uri) for resource in (await client.list_resources()).resources] == ["reamo://status"]
        assert (await read(client, "reamo://status"))["ready"] is True
        assert (await read(client, f"reamo://results/{result_id}"))["items"][0]["text"] == "Ada"
        assert (await read(client, f"reamo://results/{result_id}/record"))["entities"][0]["name"] == "Ada"
        assert (await read(client, "reamo://ontologies/general"))["name"] == "general"
        for missing in (f"reamo://results/r{'0' * 32}", "reamo://ontologies/none", "reamo://ontologies/..%2Fpasswd"):
            with pytest.raises(MCPError):
                await client.read_resource(missing)


@pytest.mark.parametrize("era", ERAS)
async def test_names_and_handles_are_completed(era: str, tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path, era) as client:
        result_id = structure(await client.call_tool("extract_entities", {"text": ADA}))["result_id"]
        names = await completed(client, "reamo://ontologies/{name}", "name", "m")
        handles = await completed(client, "reamo://results/{result_id}", "result_id", "r")
        none = await completed(client, "reamo://results/{result_id}", "result_id", "x")
    assert names.values == ["m2e2", "mnre"]
    assert handles.values == [result_id]
    assert none.values == []


@pytest.mark.parametrize("era", ERAS)
async def test_each_prompt_says_what_to_do_with_the_files(era: str, tmp_path: Path) -> None:
    async with connected(ScriptedExtractor(), tmp_path, era) as client:
        prompts = (await client.list_prompts()).prompts
        assert [prompt.name for prompt in prompts] == PROMPTS
        tools = {tool.name for tool in (await client.list_tools()).tools}
        for prompt in prompts:
            assert prompt.title
            assert prompt.description
            assert [(argument.name, argument.required) for argument in prompt.arguments or ()] == [
                ("files", True),
                ("focus", False),
            ]
            (message,) = (await client.get_prompt(prompt.name, {"files": "a.pdf, b.mp4", "focus": "ships"})).messages
            assert message.content.type == "text"
            assert "a.pdf, b.mp4" in message.content.text
            assert "ships" in message.content.text
            assert "$" not in message.content.text
            assert any(tool in message.content.text for tool in tools), "it names a tool to begin with"
        with pytest.raises(MCPError):
            await client.get_prompt(prompts[0].name, {})
