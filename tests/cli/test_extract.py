import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reamo_mcp.cli.extract import listed
from reamo_mcp.types.extraction import Extraction

Reamo = Callable[..., tuple[int, str, str]]


def test_people_see_each_thing_with_the_place_that_proves_it(reamo: Reamo, letter: Path) -> None:
    code, out, err = reamo("extract", letter)
    assert (code, err) == (0, "")
    row = next(line for line in out.splitlines() if "press@nordlys.example.org" in line)
    assert "e-mail address" in row
    assert "letter.txt line 2, characters 19-44" in row
    assert "\x1b" not in out, "colours are for terminals"


def test_people_are_told_what_was_read(reamo: Reamo, letter: Path) -> None:
    _, out, _ = reamo("extract", letter)
    length = len(letter.read_text(encoding="utf-8"))
    assert f"text: {length} of {length} characters" in out


def test_programs_get_the_record_and_nothing_else(reamo: Reamo, letter: Path) -> None:
    code, out, err = reamo("extract", letter, "--json")
    assert (code, err) == (0, "")
    extraction = Extraction.model_validate_json(out)
    assert {entity.name for entity in extraction.entities} >= {"press@nordlys.example.org", "14 March 2026"}


def test_a_text_may_be_given_instead_of_a_file(reamo: Reamo) -> None:
    code, out, _ = reamo("extract", "--text", "It opens on 14 March 2026.", "--json")
    assert code == 0
    assert Extraction.model_validate_json(out).document.media[0].kind == "text"


def test_one_bad_file_spoils_neither_the_others_nor_the_record(reamo: Reamo, letter: Path, tmp_path: Path) -> None:
    code, out, err = reamo("extract", letter, tmp_path / "missing.txt", "--json")
    assert code == 3
    assert Extraction.model_validate_json(out).status == "partial"
    assert "missing.txt" in err


@pytest.mark.parametrize("content", [None, b"", b"\x89PNG\r\n\x1a\nbroken", b"\x7fELF\x02\x01\x01" + b"\x00" * 200])
def test_a_file_that_cannot_be_read_gets_one_line_with_name_and_remedy(
    reamo: Reamo, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "odd.png"
    if content is not None:
        path.write_bytes(content)
    code, out, err = reamo("extract", path)
    assert (code, out) == (1, "")
    assert err.startswith("reamo-mcp: ")
    assert err.count("\n") == 1
    assert "odd.png" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ((), "Name files"),
        (("--text", "x", "--part", "somewhere"), "pages 3-9"),
        (("--text", "x", "--ontology", "nosuch"), "general"),
        (("--text", "x", "--modalities", "smell"), "audio"),
        (("--text", "x", "--entity-types", "((("), "captain of"),
        (("--text", "x", "--profile", "nosuch"), "embedded"),
        (("--text", "x", "--min-score", "7"), "less than or equal to 1"),
        (("--text", "x", "--nosuch"), "nosuch"),
        (("--text", "x", "--out", "/nosuch/folder/out.json"), "mkdir"),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_what_is_accepted(
    reamo: Reamo, arguments: tuple[str, ...], hint: str
) -> None:
    code, out, err = reamo("extract", *arguments)
    assert (code, out) == (2, "")
    assert hint in err


def test_each_file_may_be_a_document_of_its_own(reamo: Reamo, letter: Path, tmp_path: Path) -> None:
    code, out, err = reamo("extract", "--each", "--json", letter, tmp_path / "missing.txt", letter)
    assert code == 3
    records = [Extraction.model_validate_json(line) for line in out.splitlines()]
    assert [record.document.media[0].name for record in records] == ["letter.txt", "letter.txt"]
    assert "missing.txt" in err


def test_the_record_can_be_written_to_a_file_beside_the_table(reamo: Reamo, letter: Path, tmp_path: Path) -> None:
    code, out, _ = reamo("extract", letter, "--out", tmp_path / "record.json")
    assert code == 0
    assert "Entities" in out
    assert Extraction.model_validate_json((tmp_path / "record.json").read_text(encoding="utf-8")).entities
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "letter.txt", "record.json"]


def test_the_record_is_never_written_over_a_file_that_is_read(reamo: Reamo, letter: Path) -> None:
    before = letter.read_bytes()
    code, _, err = reamo("extract", letter, "--out", letter)
    assert code == 2
    assert "Name another file" in err
    assert letter.read_bytes() == before


def test_only_the_types_that_are_named_are_looked_for(reamo: Reamo, letter: Path) -> None:
    _, out, _ = reamo("extract", letter, "--json", "--entity-types", "date")
    assert {entity.type for entity in Extraction.model_validate_json(out).entities} == {"date"}


def test_types_of_an_own_file_are_looked_for(reamo: Reamo, letter: Path, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("entity_types: [date]\n", encoding="utf-8")
    _, out, _ = reamo("extract", letter, "--json", "--ontology", tmp_path / "own.yaml")
    assert {entity.type for entity in Extraction.model_validate_json(out).entities} == {"date"}


def test_what_a_file_smuggles_in_cannot_steer_the_terminal(reamo: Reamo, tmp_path: Path) -> None:
    path = tmp_path / "evil\x1b[31m.txt"
    path.write_text("write to a@b.example.org \x1b]0;owned\x07 on 14 March 2026", encoding="utf-8")
    code, out, err = reamo("extract", path)
    assert code == 0
    assert "a@b.example.org" in out
    assert "\x1b" not in out + err
    assert "\x07" not in out + err


def test_commas_within_parentheses_belong_to_a_type() -> None:
    assert listed("captain of(person, ship), leads ,") == ["captain of(person, ship)", "leads"]


def test_an_interrupt_ends_the_work_soon_and_in_order(tmp_path: Path) -> None:
    """On a terminal, so that the bar tells when the work has begun."""
    path = tmp_path / "long.txt"
    path.write_text("On 14 March 2026 they paid 5 euros to a@b.example.org.\n" * 40_000, encoding="utf-8")
    ours, theirs = pty.openpty()
    environment = {**os.environ, "REAMO_CACHE": str(tmp_path / "cache"), "REAMO_ISOLATE": "true", "TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-m", "reamo_mcp", "extract", str(path), "--json"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment,
    ) as process:
        os.close(theirs)
        try:
            shown = b""
            while b"long.txt" not in shown:
                assert select.select([ours], [], [], 60)[0], shown
                shown += os.read(ours, 4096)
            process.send_signal(signal.SIGINT)
            while select.select([ours], [], [], 10)[0]:
                try:
                    shown += os.read(ours, 4096)
                except OSError:
                    break  # the other side was closed
            assert process.wait(timeout=10) == 130
        finally:
            process.kill()
        assert process.stdout is not None
        assert process.stdout.read() == b""
    os.close(ours)
    assert b"Traceback" not in shown


def test_nothing_but_the_record_reaches_a_pipe(letter: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reamo_mcp", "extract", str(letter), "--json"],
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == b""
    assert json.loads(done.stdout)["status"] == "ok"
