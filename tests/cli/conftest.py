from collections.abc import Callable
from pathlib import Path

import pytest

from reamo_mcp.cli.app import run

Ended = tuple[int, str, str]


@pytest.fixture(autouse=True)
def own_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give every test a cache of its own, and models in this process, which start sooner."""
    monkeypatch.setenv("REAMO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("REAMO_ISOLATE", "false")
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def reamo(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Return a function that runs the command line and returns its exit code, output and messages."""

    def call(*arguments: str | Path) -> Ended:
        with pytest.raises(SystemExit) as ended:
            run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, printed.out, printed.err

    return call


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    """Write a text with a date and an address in it."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear all,\nwrite to press@nordlys.example.org before 14 March 2026.\n", encoding="utf-8")
    return path
