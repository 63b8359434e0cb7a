"""The server as a child process that speaks over its standard input and output."""

import json
import os
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.server import spoken
from tests.server.spoken import Spoken

SERVER = Path(__file__).with_name("scripted_server.py")


@contextmanager
def started(folder: Path, steps: int = 0, **environment: str) -> Generator[Spoken]:
    variables = {
        **os.environ,
        "REAMO_CACHE": str(folder / "cache"),
        "REAMO_ROOTS": str(folder),
        "SCRIPT_STEPS": str(steps),
        "SCRIPT_LOG": str(folder / "log"),
        **environment,
    }
    with spoken.started([sys.executable, str(SERVER), "stdio"], variables) as process:
        yield Spoken(process)


def test_a_file_below_the_root_is_read_and_one_beside_it_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.txt").write_text("Ada met Bob", encoding="utf-8")
    (tmp_path / "root-secret.txt").write_text("Eve", encoding="utf-8")
    with started(tmp_path, REAMO_ROOTS=str(root)) as server:
        relative = server.call("extract_entities", files=["a.txt"])
        absolute = server.call("extract_entities", files=[str(root / "a.txt")])
        outside = server.call("extract_entities", files=[str(tmp_path / "root-secret.txt")])
        missing = server.call("extract_entities", files=[str(tmp_path / "no such file")])
    assert relative["structuredContent"]["result_id"] == absolute["structuredContent"]["result_id"]
    texts = [answer["content"][0]["text"] for answer in (outside, missing)]
    assert all(text.startswith("[path_not_allowed]") and "--root" in text for text in texts)
    assert texts[0].replace("root-secret.txt", "") == texts[1].replace("no such file", "")


@pytest.mark.parametrize("ending", ["closed input", signal.SIGTERM, signal.SIGINT])
def test_it_leaves_cleanly_within_two_seconds_while_work_runs(ending: signal.Signals | str, tmp_path: Path) -> None:
    with started(tmp_path, steps=100_000) as server:
        server.call("extract_entities", text="Ada", max_wait_s=0.2)
        begun = time.monotonic()
        if isinstance(ending, signal.Signals):
            server.process.send_signal(ending)
        else:
            assert server.process.stdin is not None
            server.process.stdin.close()
        code = server.process.wait(5)
        took = time.monotonic() - begun
    assert code == 0
    assert took < 2
    assert (tmp_path / "log").read_text(encoding="utf-8").split() == ["began", "cancelled", "closed"]


@pytest.mark.parametrize("ending", ["closed input", signal.SIGKILL, signal.SIGTERM])
def test_work_of_a_server_that_ended_is_finished_by_the_next_one(ending: signal.Signals | str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ada met Bob", encoding="utf-8")
    with started(tmp_path, steps=100_000) as server:
        first = server.call("extract_entities", files=["a.txt"], max_wait_s=0.5)["structuredContent"]
        if isinstance(ending, signal.Signals):
            server.process.send_signal(ending)
        else:
            assert server.process.stdin is not None
            server.process.stdin.close()
        server.process.wait(10)
    assert first["status"] == "running"
    with started(tmp_path, steps=1) as server:
        second = server.call("get_result", result_id=first["result_id"])["structuredContent"]
    assert second["result_id"] == first["result_id"]
    assert second["counts"]["entities"] == 2


def test_a_finished_result_is_read_again_after_a_restart(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        first = server.call("extract_entities", text="Ada met Bob")["structuredContent"]
    with started(tmp_path) as server:
        again = server.call("get_result", result_id=first["result_id"], kinds=["entity"])["structuredContent"]
    assert again["items"] == first["items"]


def test_unfinished_work_is_not_taken_up_on_files_that_changed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ada met Bob", encoding="utf-8")
    with started(tmp_path, steps=100_000) as server:
        handle = server.call("extract_entities", files=["a.txt"], max_wait_s=0.5)["structuredContent"]["result_id"]
        server.process.kill()
    (tmp_path / "a.txt").write_text("Eve", encoding="utf-8")
    with started(tmp_path) as server:
        answer = server.call("get_result", result_id=handle)
    assert answer["content"][0]["text"].startswith("[source_changed]")


def test_a_call_cancelled_over_the_wire_stops_its_work(tmp_path: Path) -> None:
    with started(tmp_path, steps=100_000) as server:
        server.call("server_status")
        number = server.send("tools/call", name="extract_entities", arguments={"text": "Ada"})
        answer = server.call("server_status")
        while answer["structuredContent"].get("running", 0) == 0:
            answer = server.call("server_status")
        server.tell("notifications/cancelled", requestId=number)
        begun = time.monotonic()
        while answer["structuredContent"].get("running", 0) == 1 and time.monotonic() < begun + 3:
            answer = server.call("server_status")
        took = time.monotonic() - begun
    assert answer["structuredContent"].get("running", 0) == 0
    assert took < 1


def test_without_roots_home_is_not_readable_and_the_option_is_named(tmp_path: Path) -> None:
    with started(tmp_path, REAMO_ROOTS="", HOME=os.getcwd()) as server:
        status = server.call("server_status")["structuredContent"]
        answer = server.call("extract_entities", files=["pyproject.toml"])
    assert status.get("roots", []) == []
    assert "--root" in status["notice"]
    assert "--root" in answer["content"][0]["text"]


def test_an_ontology_file_is_read_below_the_root_only(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for folder in (root, tmp_path):
        (folder / "ships.json").write_text('{"name": "ships", "entity_types": ["ship"]}', encoding="utf-8")
    with started(tmp_path, REAMO_ROOTS=str(root)) as server:
        inside = server.call("extract_entities", text="Ada", ontology="ships.json")
        outside = server.call("extract_entities", text="Ada", ontology=str(tmp_path / "ships.json"))
        missing = server.call("extract_entities", text="Ada", ontology=str(tmp_path / "none.json"))
        unknown = server.call("extract_entities", text="Ada", ontology="nothing")
    assert inside["structuredContent"]["status"] == "ok"
    texts = [answer["content"][0]["text"] for answer in (outside, missing)]
    assert texts[0].startswith("[path_not_allowed]")
    assert texts[0].replace("ships", "none") == texts[1]
    assert unknown["content"][0]["text"].startswith("[invalid_ontology]")


def test_the_list_of_tools_is_small(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        tools = server.ask("tools/list")["result"]["tools"]
    assert len(tools) == 9
    assert len(json.dumps(tools, separators=(",", ":")).encode()) <= 16_000
    for tool in tools:
        assert tool["inputSchema"]["additionalProperties"] is False
        hints = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
        assert all(hint in tool["annotations"] for hint in hints)
