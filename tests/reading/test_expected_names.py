import re

from hypothesis import given
from hypothesis import strategies as st

from reamo_mcp.models.roles import HeardWord
from reamo_mcp.reading.expected_names import MOST_NAMES, expected_names, with_names
from reamo_mcp.types.reading import Reading, Word


def reading(text: str, kind: str = "text") -> Reading:
    return Reading.model_validate({"id": "r", "media_id": "m", "kind": kind, "model": "test", "text": text})


def word(text: str, start: float, end: float) -> HeardWord:
    return HeardWord(text=text, start=start, end=end, confidence=0.5, confident=False)


def test_what_is_written_with_capitals_is_listened_for_each_once() -> None:
    text = "The Nordlys Institute sent Captain Daniel Okafor to Bergen. He met the Nordlys Institute there."
    assert expected_names([reading(text), reading("DANIEL OKAFOR\nNATO", "picture_text")]) == (
        "Nordlys Institute", "Captain Daniel Okafor", "Daniel Okafor", "Bergen", "NATO",
    )  # fmt: skip


def test_what_was_heard_and_what_was_not_written_gives_no_names() -> None:
    assert expected_names([reading("Ada Lovelace", "transcript"), reading("ada lovelace")]) == ()


def test_a_name_that_nobody_could_see_is_not_listened_for() -> None:
    shown, hidden = Word(start=0, end=12), Word(start=13, end=26, visible=False)
    page = reading("Ada Lovelace Grace Hopper.").model_copy(update={"words": (shown, hidden)})
    assert expected_names([page]) == ("Ada Lovelace",)


@given(st.lists(st.text(max_size=200), max_size=5))
def test_any_text_gives_few_names_that_can_be_said(texts: list[str]) -> None:
    names = expected_names(reading(text) for text in texts)
    assert len(names) <= MOST_NAMES
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[\w'’ ]+", name) for name in names)


def test_a_heard_name_stands_in_place_of_what_the_draft_made_of_it() -> None:
    draft = [
        word("old", 0, 0.2),
        word("john", 0.3, 0.6),
        word("dash", 0.6, 0.8),
        word("wood", 0.8, 1),
        word("was", 1, 2),
    ]
    name = HeardWord(text="John Dashwood", start=0.25, end=1.05, confidence=1, confident=True)
    assert [one.text for one in with_names(draft, [name])] == ["old", "John Dashwood", "was"]
    assert with_names(draft, []) == draft
