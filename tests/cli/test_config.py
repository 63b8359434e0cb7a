import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reamo_mcp.cli.app import commands
from reamo_mcp.errors import InvalidArgument

HOSTS = {"claude-code": "mcpServers", "claude-desktop": "mcpServers", "cursor": "mcpServers", "vscode": "servers"}


def run(*arguments: str) -> str:
    result = CliRunner().invoke(commands(), ["config", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout


@pytest.mark.parametrize("host", HOSTS)
def test_the_entry_starts_this_installation_below_an_absolute_root(host: str, tmp_path: Path) -> None:
    entry = json.loads(run("--client", host, "--root", str(tmp_path)))[HOSTS[host]]["reamo"]
    assert Path(entry["command"]).is_absolute()
    assert entry["args"][-2:] == ["--root", str(tmp_path)]


def test_writing_keeps_the_other_servers_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text('{"mcpServers": {"other": {"command": "x"}}, "more": 1}', encoding="utf-8")
    run("--client", "cursor", "--write")
    written = json.loads(path.read_text(encoding="utf-8"))
    assert set(written["mcpServers"]) == {"other", "reamo"}
    assert written["more"] == 1


def test_a_file_that_is_no_json_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ".mcp.json"
    path.write_text("{not json", encoding="utf-8")
    with pytest.raises(InvalidArgument, match="cannot be read"):
        run("--client", "claude-code", "--write")
    assert path.read_text(encoding="utf-8") == "{not json"


def test_a_front_for_a_running_engine_is_configured_by_its_address() -> None:
    entry = json.loads(run("--client", "vscode", "--engine", "http://127.0.0.1:8765/mcp"))["servers"]["reamo"]
    assert entry["args"][-2:] == ["--engine", "http://127.0.0.1:8765/mcp"]
