"""`reamo-mcp evaluate` as a user calls it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from reamo_mcp.cli.app import commands
from reamo_mcp.errors import InvalidArgument


def test_cells_are_listed_without_running_anything(tmp_path: Path) -> None:
    result = CliRunner().invoke(commands(), ["evaluate", "mini/T+I", "--list", "--out", str(tmp_path)])
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()] == ["mini/T+I/NER", "mini/T+I/RE", "mini/T+I/EE"]
    assert not list(tmp_path.iterdir())


def test_a_cell_is_measured_beside_a_rival_and_the_papers_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    arguments = ["evaluate", "mini/T/NER", "--limit", "2", "--out", str(tmp_path), "--against", "rules"]
    result = CliRunner().invoke(commands(), arguments)
    assert result.exit_code == 0, result.output
    assert "mini/T/NER, embedded" in result.output
    assert "mini/T/NER, rules" in result.output
    assert (tmp_path / "report.json").exists()
    assert "mini/T/NER" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_folder_of_sets_that_is_not_there_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(commands(), ["evaluate", "--list", "--data", str(tmp_path / "none")])
    assert result.exit_code == 2


def test_a_rival_that_would_answer_as_the_engine_does_says_so(tmp_path: Path) -> None:
    arguments = ["evaluate", "mini/T/NER", "--limit", "1", "--out", str(tmp_path), "--against", "pipeline"]
    result = CliRunner().invoke(commands(), arguments)
    assert result.exit_code == 0, result.output
    assert "pipeline: it answers these cells no otherwise" in result.output


def test_a_rival_that_is_not_known_is_refused(tmp_path: Path) -> None:
    arguments = ["evaluate", "mini/T/NER", "--out", str(tmp_path), "--against", "oracles"]
    result = CliRunner().invoke(commands(), arguments)
    assert isinstance(result.exception, InvalidArgument)
