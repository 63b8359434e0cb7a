import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import jsonschema
import pytest

from reamo_mcp.models.roles import ModelCard

Reamo = Callable[..., tuple[int, str, str]]


def test_the_schema_accepts_what_the_command_answers(reamo: Reamo, letter: Path) -> None:
    _, schema, _ = reamo("schema")
    _, record, _ = reamo("extract", letter, "--json")
    jsonschema.Draft202012Validator.check_schema(json.loads(schema))
    jsonschema.validate(json.loads(record), json.loads(schema))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**json.loads(record), "status": "perfect"}, json.loads(schema))


@pytest.mark.parametrize("of", ["ontology", "answer", "status"])
def test_other_records_have_a_schema_too(reamo: Reamo, of: str) -> None:
    code, schema, _ = reamo("schema", "--of", of)
    assert code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(schema))


def test_the_cache_tells_what_it_holds_and_forgets_it(reamo: Reamo, letter: Path, tmp_path: Path) -> None:
    reamo("extract", letter)
    _, shown, _ = reamo("cache", "show")
    assert str(tmp_path / "cache") in shown
    assert "results  1 kept" in shown
    code, freed, _ = reamo("cache", "clear")
    assert code == 0
    assert freed.startswith("freed ")
    _, shown, _ = reamo("cache", "show")
    assert "results  0 kept, 0 bytes" in shown


def test_the_models_tell_what_they_take(reamo: Reamo) -> None:
    code, out, _ = reamo("models")
    assert code == 0
    assert "text_reader: " in out
    _, lines, _ = reamo("models", "--json")
    cards = [ModelCard.model_validate_json(line) for line in lines.splitlines()]
    assert {card.role for card in cards} >= {"text_reader", "object_detector"}


def test_the_doctor_names_what_is_missing_and_the_command_that_mends_it(reamo: Reamo, tmp_path: Path) -> None:
    _, out, err = reamo("doctor")
    assert err == ""
    assert version("reamo-mcp") in out
    assert "Engine 'embedded'" in out
    assert str(tmp_path / "cache") in out
    assert "in no file: general objects" in out
    assert "3 May 1960 (date)" in out, "the trial was not read"
    missing = [line for line in out.splitlines() if "is not installed" in line]
    assert out.count("mend: pip install 'reamo-mcp[") >= len(missing)


def test_the_doctor_tells_which_bounds_the_kernel_granted(reamo: Reamo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REAMO_ISOLATE", "true")
    _, out, _ = reamo("doctor")
    assert "files are decoded in a process of their own" in out
    assert "its memory is " in out
    assert "network" in out


def test_a_setting_that_cannot_be_used_is_named(reamo: Reamo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REAMO_MOST_PAGES", "many")
    code, _, err = reamo("doctor")
    assert code == 2
    assert "REAMO_MOST_PAGES" in err


def test_the_examples_are_copied_and_never_overwritten(reamo: Reamo, tmp_path: Path) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    (folder / "ships.yaml").write_text("mine", encoding="utf-8")
    code, out, _ = reamo("examples", folder)
    assert code == 0
    assert "1 kept" in out
    assert (folder / "ships.yaml").read_text(encoding="utf-8") == "mine"
    assert (folder / "make_press_kit.py").is_file()


def test_the_version_is_that_of_the_package(reamo: Reamo) -> None:
    assert reamo("--version") == (0, f"reamo-mcp {version('reamo-mcp')}\n", "")


def test_without_arguments_a_person_gets_help_instead_of_silence() -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "reamo_mcp"], stdin=theirs, capture_output=True, timeout=60, check=False
    )
    os.close(ours)
    os.close(theirs)
    assert b"extract" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("--root", "."), ("--root=.",)])
def test_without_a_command_a_program_gets_a_server(arguments: tuple[str, ...]) -> None:
    ping = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
    command = [sys.executable, "-m", "reamo_mcp", *arguments]
    done = subprocess.run(command, input=ping, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[0])["id"] == 1
