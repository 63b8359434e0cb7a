"""Callers that are hostile: floods of calls, work that is left, wrong arguments, guessed and stale handles."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp.types import CallToolResult

from tests.hostile.conftest import Account
from tests.hostile.documents import pdf
from tests.hostile.odd_recordings import long_mp3
from tests.hostile.pictures import png
from tests.hostile.public_path import PublicPath, public_path, structured, told
from tests.hostile.rows import SOON, Ground


def test_a_flood_of_calls_is_answered_or_told_that_the_server_is_busy(
    server: tuple[PublicPath, Path], ground: Ground, account: Account
) -> None:
    path, _ = server
    for number in range(200):
        (ground.inside / f"{number}.txt").write_text(f"Alice {number}", encoding="utf-8")
    with account("51", "200 calls at once") as line:
        calls = [
            path.portal.start_task_soon(
                path.client.call_tool, "extract_entities", {"files": [f"{number}.txt"], "entity_types": ["person"]}
            )
            for number in range(200)
        ]
        asked = time.monotonic()
        path.call("server_status")
        assert time.monotonic() - asked < 2 * SOON
        outcomes = [told(call.result(60))[0] for call in calls]
        line.outcome = ", ".join(f"{outcomes.count(one)} {one}" for one in sorted(set(outcomes)))
    assert set(outcomes) <= {"ok", "busy"}
    assert outcomes.count("ok") >= 18, "the queue holds sixteen beside the two that run"
    assert path.read("0.txt").outcome == "ok"


def test_the_same_call_a_hundred_times_at_once_is_one_piece_of_work(
    server: tuple[PublicPath, Path], ground: Ground, account: Account
) -> None:
    path, _ = server
    (ground.inside / "a.png").write_bytes(png(64, 64))
    before = path.reader.pictures
    with account("51", "one call a hundred times at once") as line:
        asked = {"files": ["a.png"], "entity_types": ["person"]}
        calls = [path.portal.start_task_soon(path.client.call_tool, "extract_entities", asked) for _ in range(100)]
        answers = [call.result(60) for call in calls]
        line.outcome = " ".join(sorted({told(answer)[0] for answer in answers}))
    assert line.outcome == "ok"
    assert len({structured(answer)["result_id"] for answer in answers}) == 1
    assert path.reader.pictures == before + 1


def test_work_that_nobody_wants_any_more_stops_within_two_seconds(
    server: tuple[PublicPath, Path], ground: Ground, account: Account
) -> None:
    path, _ = server
    (ground.inside / "long.mp3").write_bytes(long_mp3(4 * 3600))
    with account("51", "cancelled in the middle of four hours") as line:
        running = path.call("extract_entities", files=["long.mp3"], entity_types=["person"], max_wait_s=0.5)
        assert told(running)[0] == "running"
        begun = time.monotonic()
        line.outcome = told(path.call("cancel", result_id=structured(running)["result_id"]))[0]
        took = time.monotonic() - begun
        status = structured(path.call("server_status"))
    assert line.outcome == "cancelled"
    assert took < 2 + SOON
    assert status.get("running", 0) == 0


def _wrong() -> Iterator[tuple[str, str, dict[str, object]]]:
    text = {"text": "Alice"}
    yield "an unknown key", "extract_entities", {**text, "shell": "rm"}
    yield "a list as JSON in a string", "extract_entities", {"files": 7}
    yield "a number in place of words", "extract_entities", {"text": 7}
    yield "limit -1", "extract_entities", {**text, "limit": -1}
    yield "limit 10^9", "extract_entities", {**text, "limit": 10**9}
    yield "a score of 2", "extract_entities", {**text, "min_score": 2}
    yield "a score that is no number", "extract_entities", {**text, "min_score": "high"}
    yield "10^5 paths", "extract_entities", {"files": ["a.txt"] * 10**5}
    yield "a path of 5,000 characters", "extract_entities", {"files": ["a" * 5000]}
    yield "a text that is too long", "extract_entities", {"text": "a" * 200_001}
    yield "101 types", "extract_entities", {**text, "entity_types": ["a"] * 101}
    yield "an unknown medium", "extract_entities", {**text, "modalities": ["smell"]}
    yield "a part of no form", "extract_entities", {**text, "part": "pages x-y"}
    yield "nothing to read", "extract_entities", {}
    yield "a wait of an hour", "extract_entities", {**text, "max_wait_s": 3600}
    yield "an unknown detail", "get_result", {"result_id": "r" + "0" * 32, "detail": "all"}
    yield "a handle of 101 characters", "get_result", {"result_id": "r" * 101}
    yield "nine ids", "show_evidence", {"result_id": "r" + "0" * 32, "ids": ["e1"] * 9}


@pytest.mark.parametrize(("what", "tool", "arguments"), list(_wrong()), ids=[what for what, _, _ in _wrong()])
def test_a_wrong_argument_is_refused_with_what_is_accepted(
    what: str, tool: str, arguments: dict[str, object], server: tuple[PublicPath, Path], account: Account
) -> None:
    path, _ = server
    with account("57", what) as line:
        line.outcome, words = told(path.call(tool, **arguments))
    assert line.outcome == "invalid_argument", words
    assert len(words) < 2000
    assert "pydantic" not in words


@pytest.mark.parametrize("guess", ["r" + "0" * 32, "e1", "../../secret", "r" + "A" * 32, "%2e%2e", "\0", "r" * 100])
def test_a_guessed_handle_is_expired(guess: str, server: tuple[PublicPath, Path], account: Account) -> None:
    path, _ = server
    asks: list[tuple[str, dict[str, Any]]] = [("get_result", {}), ("show_evidence", {"ids": ["e1"]})]
    with account("57", f"guessed handle {guess[:12]!r}") as line:
        outcomes = {told(path.call(tool, result_id=guess, **more))[0] for tool, more in asks}
        line.outcome = " ".join(sorted(outcomes))
    assert outcomes == {"result_expired"}
    assert told(path.call("cancel", result_id=guess))[0] == "unknown"


def test_a_result_that_is_not_kept_any_more_says_how_to_make_it_again(
    server: tuple[PublicPath, Path], account: Account
) -> None:
    path, _ = server

    def extract(text: str) -> CallToolResult:
        return path.call("extract_entities", text=text, entity_types=["person"])

    first = structured(extract("Alice"))["result_id"]
    for number in range(20):
        extract(f"Alice {number}")
    with account("58", "a result that twenty others drove out") as line:
        line.outcome, words = told(path.call("get_result", result_id=first))
    assert line.outcome == "result_expired"
    assert "same arguments" in words


def test_a_cursor_belongs_to_its_result_and_filters(server: tuple[PublicPath, Path], account: Account) -> None:
    path, _ = server
    names = " ".join(f"Alice{number} and Bob" for number in range(3))
    one, other = (
        structured(path.call("extract_entities", text=names + more, entity_types=["person"], limit=1))
        for more in ("", " again")
    )
    with account("58", "the cursor of another result") as line:
        answer = path.call("get_result", result_id=one["result_id"], cursor=other["cursor"], kinds=["entity"])
        line.outcome = told(answer)[0]
    assert line.outcome == "invalid_argument"
    good = path.call("get_result", result_id=one["result_id"], cursor=one["cursor"], kinds=["entity"])
    assert told(good)[0] == "ok"
    filtered = path.call("get_result", result_id=one["result_id"], cursor=one["cursor"], contains="Bob")
    assert told(filtered)[0] == "invalid_argument"


def test_a_result_outlives_the_server_that_made_it(tmp_path: Path, account: Account) -> None:
    (tmp_path / "page.pdf").write_bytes(pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"]))
    (tmp_path / "a.txt").write_text("Alice", encoding="utf-8")
    with public_path(tmp_path, cache=tmp_path / "cache", cache_bytes=1 << 26) as path:
        answer = path.call("extract_entities", files=["a.txt"], entity_types=["person"])
    handle = structured(answer)["result_id"]
    with account("58", "a result after a restart") as line:
        with public_path(tmp_path, cache=tmp_path / "cache", cache_bytes=1 << 26) as path:
            again = path.call("get_result", result_id=handle)
            line.outcome = told(again)[0]
    assert line.outcome == "ok"
    assert structured(again)["items"] == structured(answer)["items"]
