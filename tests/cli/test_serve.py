"""`reamo-mcp serve` as a process, reached by the typed client and by a front over standard input and output."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import pytest

from reamo_mcp import Document, ReamoClient
from reamo_mcp.errors import PathNotAllowed, RemoteEngineFailed
from reamo_mcp.server.stdio import main as serve_stdio
from tests.server.served import TOKEN, free_port, serve

MAIL = "Write to ada@example.org on 3 May 2024."


async def test_a_client_extracts_over_http_within_the_roots_and_the_end_is_clean(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside.txt"
    inside.mkdir()
    (inside / "a.txt").write_text(MAIL, encoding="utf-8")
    outside.write_text("secret@example.org", encoding="utf-8")
    with serve(inside) as served:
        async with ReamoClient.http(served.url, token=TOKEN) as client:
            extraction = await client.extract_entities(Document.of(inside / "a.txt"))
            assert "ada@example.org" in {entity.name for entity in extraction.entities}
            with pytest.raises(PathNotAllowed):
                await client.extract_entities(Document.of(outside))
        served.process.terminate()
        begun = time.monotonic()
        served.process.wait(timeout=10)
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_a_front_uses_the_engine_and_keeps_to_its_own_narrower_roots(
    era: Literal["auto", "legacy"], tmp_path: Path
) -> None:
    narrow = tmp_path / "narrow"
    narrow.mkdir()
    (narrow / "a.txt").write_text(MAIL, encoding="utf-8")
    (tmp_path / "wide.txt").write_text(MAIL, encoding="utf-8")
    with serve(tmp_path) as served:
        own = {"REAMO_TOKEN": TOKEN, "REAMO_CACHE": str(tmp_path / "cache of the front")}
        async with ReamoClient.stdio(roots=[narrow], engine=served.url, environment=own, era=era) as front:
            extraction = await front.extract_entities(Document.of(narrow / "a.txt"))
            assert "ada@example.org" in {entity.name for entity in extraction.entities}
            with pytest.raises(PathNotAllowed):
                await front.extract_entities(Document.of(tmp_path / "wide.txt"))
        async with ReamoClient.http(served.url, token=TOKEN, era=era) as direct:
            assert (await direct.extract_entities(Document.of(tmp_path / "wide.txt"))).entities


async def test_a_front_without_its_engine_says_so(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/mcp"
    async with ReamoClient.stdio(roots=[tmp_path], engine=url, environment={"REAMO_TOKEN": TOKEN}) as front:
        with pytest.raises(RemoteEngineFailed, match="no engine answers"):
            await front.extract_entities(Document.of(text=MAIL))


def test_what_hinders_the_server_of_a_host_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("REAMO_CACHE", str(tmp_path / "file"))
    monkeypatch.delenv("REAMO_TOKEN", raising=False)
    for arguments, told in (
        (["--engine", "http://127.0.0.1:1/mcp"], "the token file cannot be made"),
        (["--profile", "none"], "there is no profile 'none'"),
    ):
        with pytest.raises(SystemExit) as ended:
            serve_stdio(arguments)
        assert ended.value.code == 2
        line = capsys.readouterr().err
        assert told in line
        assert line.count("\n") == 1


def test_a_missing_root_is_told_and_home_may_be_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    command = [sys.executable, "-m", "reamo_mcp", "--root", "~", "--root", "~/missing"]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stderr == f"reamo-mcp: {tmp_path / 'missing'} is no folder; nothing in it can be read\n"
