"""Word error rate and sure words, against slow and plain ways to the same numbers."""

from functools import cache
from pathlib import Path

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reamo_mcp.evaluation.cells import cells
from reamo_mcp.evaluation.scoring import nothing_found, score_cell, score_sample
from reamo_mcp.evaluation.speech import Heard, aligned, heard, words_of
from reamo_mcp.types.extraction import Engine, Extraction
from reamo_mcp.types.media import AudioMedium, OpenedDocument
from reamo_mcp.types.reading import Reading, Word

WORDS = st.lists(st.sampled_from("abc"), max_size=6)


def spoken(text: str, doubtful: tuple[str, ...] = ()) -> Extraction:
    words: list[Word] = []
    at = 0
    for part in text.split(" "):
        words.append(Word(start=at, end=at + len(part), confident=part not in doubtful))
        at += len(part) + 1
    medium = AudioMedium(id="m1", name="talk.wav", sha256="0", format="wav", duration=2)
    reading = Reading(id="m1.speech", media_id="m1", kind="transcript", model="test", text=text, words=tuple(words))
    return Extraction(
        document=OpenedDocument(id="d", media=(medium,)),
        readings=(reading,),
        engine=Engine(profile="test", version="1"),
    )


def edits(told: list[str], answer: list[str]) -> int:
    @cache
    def least(row: int, column: int) -> int:
        if row == len(told) or column == len(answer):
            return len(told) - row + len(answer) - column
        changed = least(row + 1, column + 1) + (told[row] != answer[column])
        return min(changed, least(row + 1, column) + 1, least(row, column + 1) + 1)

    return least(0, 0)


@given(WORDS, WORDS)
def test_errors_are_the_fewest_edits_and_pairs_are_equal_words_in_order(told: list[str], answer: list[str]) -> None:
    errors, pairs = aligned(told, answer)
    assert errors == edits(told, answer)
    assert all(told[one] == answer[other] for one, other in pairs)
    assert pairs == sorted(pairs)
    assert len({one for one, _ in pairs}) == len({other for _, other in pairs}) == len(pairs)


def test_words_are_compared_without_case_and_signs() -> None:
    assert words_of("“Don’t,” said Élodie — 3 times.") == ["don't", "said", "élodie", "times"]
    assert heard(spoken("Yes, maybe", ("maybe",))) == [Heard("yes", True), Heard("maybe", False)]


def test_a_substitution_a_deletion_and_an_insertion_are_three_errors() -> None:
    gold = spoken("the ship left the harbour at dawn")
    score = score_sample(gold, spoken("the chip left harbour at the dawn", ("chip",)), "ASR")
    values = score_cell([score]).values
    assert values["WER"].value == pytest.approx(3 / 7)
    assert values["Sure words"].value == pytest.approx(5 / 6)


def test_recordings_are_added_up_before_they_are_divided_and_a_failure_hears_nothing() -> None:
    gold = spoken("one two three four")
    scores = [score_sample(gold, gold, "ASR"), nothing_found(gold, "ASR")]
    values = score_cell(scores).values
    assert values["WER"].value == pytest.approx(0.5)
    assert values["Sure words"].value == 1
    interval = values["WER"].interval
    assert interval is not None
    assert (interval.low, interval.high) == (0, 1)


@pytest.mark.data
def test_recordings_of_the_user_are_cases_away_from_their_transcripts(real_data: Path, tmp_path: Path) -> None:
    (cell,) = cells(["speech"], tmp_path, real_data)
    cases = list(cell.cases(3))
    assert [case.task for case, _ in cases] == ["ASR"] * 3
    for case, folder in cases:
        assert [path.name for path in folder.iterdir() if path.stem == Path(case.files[0]).stem] == [case.files[0]]
    assert numpy.mean([len(words_of(case.gold.readings[0].text)) for case, _ in cases]) > 5
