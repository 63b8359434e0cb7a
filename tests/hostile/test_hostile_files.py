"""Every hostile file through the client of a server with the real opening, decoder child and boundary."""

from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.hostile.conftest import Account
from tests.hostile.documents import document_rows
from tests.hostile.odd_recordings import odd_recording_rows
from tests.hostile.paths import path_rows
from tests.hostile.pictures import picture_rows
from tests.hostile.public_path import PublicPath, Seen
from tests.hostile.recordings import recording_rows
from tests.hostile.rows import SECRET, SOON, Ground, Row

MOST_PROCESSOR_SECONDS = 2.0
HANG = 20.0  # wall seconds; what a row costs is measured in processor time, which other work does not change


def _marked(row: Row) -> ParameterSet:
    return pytest.param(row, marks=[pytest.mark.big] if row.big else [], id=f"{row.number} {row.what[:40]}")


@pytest.mark.parametrize(
    "row",
    [
        _marked(row)
        for row in (*path_rows(), *picture_rows(), *recording_rows(), *odd_recording_rows(), *document_rows())
    ],
)
def test_a_hostile_file_ends_as_foreseen_and_leaves_no_trace(
    row: Row, server: tuple[PublicPath, Path], ground: Ground, account: Account
) -> None:
    path, _ = server
    named = row.make(ground)
    with account(row.number, row.what) as line:
        seen = path.read(named, row.types)
        line.outcome, line.warm = seen.outcome, seen.memory
        line.seconds, line.processor_seconds = seen.seconds, seen.processor_seconds
    _check(row, seen, ground, named)
    if row.bomb:
        path.chill()
        (ground.inside / "fresh.txt").write_text(f"Alice and {row.what}", encoding="utf-8")
        assert path.read("fresh.txt").outcome == "ok"
    # Another type as well: for the same ones the result is at hand, and nothing would be decoded.
    again = path.read(named, (*row.types, "another type"))
    line.fresh = again.memory if row.bomb else None
    _check(row, again, ground, named)
    assert again.outcome == seen.outcome, "the same file ends in another way the second time"
    assert len(path.children()) <= 1


def _check(row: Row, seen: Seen, ground: Ground, named: str) -> None:
    assert seen.outcome in row.outcomes, seen.words[:500]
    assert SECRET not in seen.words
    assert str(ground.outside) not in seen.words.replace(named, "")
    assert "Traceback" not in seen.words
    assert seen.memory < row.most_memory
    assert row.big or seen.processor_seconds < MOST_PROCESSOR_SECONDS
    assert seen.seconds < HANG or row.big
    assert seen.slowest_other < SOON


def test_the_refusal_is_the_same_whether_a_forbidden_file_exists_or_not(
    server: tuple[PublicPath, Path], ground: Ground
) -> None:
    path, _ = server
    there = path.read("../outside/secret.txt").words
    ground.secret.rename(ground.outside / "moved.txt")
    assert path.read("../outside/secret.txt").words == there


def test_hidden_words_are_told_and_not_given_to_the_models(server: tuple[PublicPath, Path], ground: Ground) -> None:
    path, _ = server
    row = next(row for row in document_rows() if row.what == "hidden.pdf")
    seen = path.read(row.make(ground))
    assert "hidden_text" in seen.words
    assert "Alice" in seen.words
    assert "person: Bob" not in seen.words, "a white name was given to the text extractor"


def test_control_and_direction_signs_of_a_file_are_escaped_in_answers(
    server: tuple[PublicPath, Path], ground: Ground
) -> None:
    path, _ = server
    (ground.inside / "a\u202egpj.txt").write_text("Alice", encoding="utf-8")
    words = path.read("a\u202egpj.txt").words
    assert "\u202e" not in words
    assert "u202e" in words
