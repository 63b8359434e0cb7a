from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reamo_mcp.models.embedded.text_extractor_decoding import Spot, chosen_arguments, nested, without_overlaps
from reamo_mcp.models.embedded.text_extractor_windows import MOST_WORDS, WIDEST, cut_windows
from reamo_mcp.models.embedded.text_extractor_words import LONGEST_WORD, SHAPES, cut_words, shape


@given(st.text(max_size=300))
def test_words_are_slices_of_the_text_in_order_and_leave_out_only_white_space(text: str) -> None:
    words = list(cut_words(text))
    assert all(text[word.start : word.end] == word.text and len(word.text) <= LONGEST_WORD for word in words)
    assert all(1 <= shape(word.text) < SHAPES for word in words)
    covered = {index for word in words for index in range(word.start, word.end)}
    assert all(text[index].isspace() for index in range(len(text)) if index not in covered)
    assert len(covered) == sum(word.end - word.start for word in words)


def test_names_are_cut_from_what_clings_to_them() -> None:
    assert [word.text for word in cut_words("Obama's UK-based @john_doe, Müller.")] == [
        "Obama", "'", "s", "UK", "-", "based", "@", "john_doe", ",", "Müller", ".",
    ]  # fmt: skip


@given(st.lists(st.sampled_from(["a", "Bob", ".", "!", "\n\n", "word", "The"]), max_size=400))
def test_every_short_span_of_a_sentence_belongs_to_exactly_one_window(parts: list[str]) -> None:
    text = " ".join(parts)
    owners: dict[tuple[int, int], int] = {}
    whole: set[tuple[int, int]] = set()
    for window in cut_windows(text, 0):
        assert len(window.words) <= MOST_WORDS
        for first in range(len(window.words)):
            for end in range(first + 1, min(first + WIDEST, len(window.words)) + 1):
                if window.sentences[first] != window.sentences[end - 1]:
                    continue
                place = (window.words[first].start, window.words[end - 1].end)
                whole.add(place)
                owners[place] = owners.get(place, 0) + window.owns(first, end)
    assert all(owners[place] == 1 for place in whole)
    assert {word.start for word in cut_words(text)} == {start for start, _ in whole}


def test_a_sentence_longer_than_a_window_keeps_every_span() -> None:
    text = " ".join(f"w{number}" for number in range(500))
    words = list(cut_words(text))
    owners: dict[tuple[int, int], int] = {}
    for window in cut_windows(text, 0):
        for first in range(len(window.words)):
            for end in range(first + 1, min(first + WIDEST, len(window.words)) + 1):
                if window.owns(first, end):
                    place = (window.words[first].start, window.words[end - 1].end)
                    owners[place] = owners.get(place, 0) + 1
    expected = {
        (words[first].start, words[end - 1].end)
        for first in range(len(words))
        for end in range(first + 1, min(first + WIDEST, len(words)) + 1)
    }
    assert set(owners) == expected
    assert set(owners.values()) == {1}


def _spot(start: int, width: int, score: float) -> Spot:
    return Spot("t", start, start + width, score)


_SPOTS = st.lists(st.builds(_spot, st.integers(0, 60), st.integers(1, 12), st.floats(0, 1)), max_size=40)


@given(_SPOTS)
def test_kept_spots_do_not_overlap_and_nothing_that_fits_is_dropped(spots: list[Spot]) -> None:
    kept = without_overlaps(spots)
    assert all(a.end <= b.start for a, b in pairwise(kept))
    assert all(any(k.start < spot.end and spot.start < k.end for k in kept) for spot in spots)


@given(_SPOTS)
def test_nested_spots_never_cross(spots: list[Spot]) -> None:
    kept = nested(spots)
    assert not any(a.start < b.start < a.end < b.end for a in kept for b in kept)
    assert len({spot.place for spot in kept}) == len(kept)


def test_one_phrase_may_fill_two_roles_but_one_role_takes_no_overlapping_phrases() -> None:
    drug, longer = Spot("drug", 0, 7, 0.9), Spot("drug", 0, 12, 0.4)
    treatment = Spot("treatment", 0, 7, 0.5)
    assert chosen_arguments([longer, drug, treatment]) == [drug, treatment]


def test_no_span_names_a_thing_across_a_line_break_or_the_end_of_a_sentence() -> None:
    (window,) = cut_windows("University of Lisbon\nMarine Biology. We thank", 0)
    words = [word.text for word in window.words]
    named = {
        " ".join(words[first:end])
        for first in range(len(words))
        for end in range(first + 1, len(words) + 2)
        if window.names(first, end)
    }
    assert {"University of Lisbon", "Marine Biology", "We thank"} <= named
    assert not {"Lisbon Marine", ". We"} & named
