"""Clients of the TypeScript SDK complete a real extraction, with progress, over stdio and HTTP."""

import json
import re
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.conformance.conftest import Serve
from tests.conformance.node import INSTALLED, Node

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(600)]

TOKEN = "a token of the test"


@pytest.mark.parametrize("transport", ["stdio", "http"])
@pytest.mark.parametrize(("sdk", "revision"), [(1, "2025-11-25"), (2, "2026-07-28")])
def test_the_client_extracts_with_progress(
    sdk: int, revision: str, transport: str, node: Node, serve: Serve, press_kit: Path, tmp_path: Path
) -> None:
    if transport == "stdio":
        server: dict[str, object] = {
            "command": sys.executable,
            "args": ["-m", "reamo_mcp", "--root", str(press_kit)],
            "env": {"REAMO_CACHE": str(tmp_path / "cache")},
        }
    else:
        url = serve("reamo_mcp", "serve", "--root", str(press_kit), "--port", "PORT", REAMO_TOKEN=TOKEN)
        server = {"url": url, "token": TOKEN}
    asked = {"files": [str(press_kit / "release.md"), str(press_kit / "poster.png")], "limit": 200}
    ended = node.run(INSTALLED / "extract.mjs", json.dumps({"sdk": sdk, **server, "arguments": asked}), seconds=300)
    assert ended.code == 0, ended.err
    seen = json.loads(ended.out)

    assert seen["revision"] == revision
    assert len(seen["tools"]) == 9
    told = [news["progress"] for news in seen["progress"]]
    assert told
    assert told == sorted(set(told)), "progress has to increase"
    assert all(news["message"] for news in seen["progress"])

    page = seen["answer"]["structuredContent"]
    jsonschema.validate(page, seen["schema"])
    assert page["status"] in ("ok", "partial")
    assert {"entity", "relation"} <= {item["kind"] for item in page["items"]}
    institute = next(item for item in page["items"] if item["text"] == "Nordlys Institute")
    assert institute["located"] == ["m1", "m2"]
    release = (press_kit / "release.md").read_text(encoding="utf-8")
    places = re.findall(r"m1\[(\d+):(\d+)\]", " ".join(institute["at"]))
    assert places
    assert {release[int(start) : int(end)] for start, end in places} == {"Nordlys Institute"}
