"""The inspector's command line against our server, over both transports and in both revisions."""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.conftest import Serve
from tests.conformance.node import Ended, Node

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(600)]

TOKEN = "a token of the test"
TOOLS = 9
IS_ERROR = 5
"""How the inspector ends if the tool answered an error."""
MAIL = "Write to ada@example.org on 3 May 2024."


@pytest.fixture(params=["stdio", "http"])
def target(request: pytest.FixtureRequest, serve: Serve, tmp_path: Path) -> list[str]:
    """What the inspector is told about the server."""
    if request.param == "stdio":
        cache = f"REAMO_CACHE={tmp_path / 'cache'}"
        return [sys.executable, "-m", "reamo_mcp", "--root", str(tmp_path), "-e", cache]
    url = serve("reamo_mcp", "serve", "--root", str(tmp_path), "--port", "PORT", REAMO_TOKEN=TOKEN)
    return [url, "--transport", "http", "--header", f"Authorization: Bearer {TOKEN}"]


def inspect(node: Node, home: Path, *arguments: str) -> Ended:
    return node.run_program("mcp-inspector", "--cli", *arguments, "--format", "json", HOME=str(home))


def result(ended: Ended) -> dict[str, Any]:
    assert ended.code == 0, ended.err
    return json.loads(ended.out)["result"]


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_lists_the_tools_and_calls_one(era: str, node: Node, target: list[str], tmp_path: Path) -> None:
    listed = result(inspect(node, tmp_path, *target, "--protocol-era", era, "--method", "tools/list", "--strict"))
    assert len(listed["tools"]) == TOOLS

    call = ["--method", "tools/call", "--tool-name", "extract_entities", "--tool-args-json"]
    found = result(inspect(node, tmp_path, *target, "--protocol-era", era, *call, json.dumps({"text": MAIL})))
    names = {item["text"] for item in found["structuredContent"]["items"]}
    assert "ada@example.org" in names

    refused = inspect(node, tmp_path, *target, "--protocol-era", era, *call, json.dumps({"texts": MAIL}))
    assert refused.code == IS_ERROR
    assert "there is no argument 'texts'" in refused.out


def test_the_inspector_reads_a_resource_and_a_prompt(node: Node, target: list[str], tmp_path: Path) -> None:
    read = result(inspect(node, tmp_path, *target, "--method", "resources/read", "--uri", "reamo://status"))
    assert json.loads(read["contents"][0]["text"])["version"] == version("reamo-mcp")
    asked = ["--method", "prompts/get", "--prompt-name", "timeline", "--prompt-args", "files=a.txt"]
    prompt = result(inspect(node, tmp_path, *target, *asked))
    assert "a.txt" in prompt["messages"][0]["content"]["text"]
