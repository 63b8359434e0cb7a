from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reamo_mcp.models.local.speech_words import goes_in_circles, placed, plain, planned, stitched, words_of
from reamo_mcp.models.roles import HeardWord

RATE = 16_000
LONGEST, OVERLAP = 30 * RATE, 5 * RATE // 2


def word(text: str, start: float, end: float, confidence: float = 0.9) -> HeardWord:
    return HeardWord(text=text, start=start, end=end, confidence=confidence, confident=True)


@st.composite
def said(draw: st.DrawFn) -> list[HeardWord]:
    """Minutes of speech of few different words, now and then with a pause."""
    lengths = st.floats(0.2, 0.9)
    gaps = st.one_of(st.just(0.0), st.floats(0.0, 0.3), st.floats(0.3, 6.0))
    steps = draw(st.lists(st.tuples(st.sampled_from("no yes well".split()), lengths, gaps), min_size=1, max_size=70))
    ends = list(accumulate(length + gap for _, length, gap in steps))
    return [word(text, end - gap - length, end - gap) for (text, length, gap), end in zip(steps, ends, strict=True)]


def utterances_of(words: list[HeardWord], cut_every: float) -> list[tuple[int, int]]:
    """As a voice activity detector gives them: apart in pauses, longer ones cut wherever it may be."""
    found: list[tuple[float, float]] = []
    for each in words:
        if found and each.start - found[-1][1] < 0.32:
            found[-1] = (found[-1][0], each.end)
        else:
            found.append((each.start, each.end))
    cut: list[tuple[int, int]] = []
    for start, end in found:
        while end - start > cut_every:
            cut.append((round(start * RATE), round((start + cut_every) * RATE)))
            start += cut_every
        cut.append((round(start * RATE), round(end * RATE)))
    return cut


def heard_in(words: list[HeardWord], start: float, end: float, shifts: st.DataObject) -> list[HeardWord]:
    """What a recogniser hears of a stretch: words that an end cuts come out as something else, times are off a bit."""
    heard: list[HeardWord] = []
    for each in words:
        if each.end <= start or each.start >= end:
            continue
        if each.start < start - 0.01 or each.end > end + 0.01:
            cut = word("mumble", max(each.start, start), min(each.end, end), 0.95)
            heard += [cut] if shifts.draw(st.booleans()) else []
            continue
        shift = shifts.draw(st.sampled_from([-0.04, -0.02, 0.0, 0.02, 0.04]))
        heard.append(word(each.text, max(0.0, each.start + shift), each.end + shift))
    return heard


@settings(max_examples=60, deadline=None)
@given(said(), st.floats(4.0, 12.0), st.data())
def test_words_of_overlapping_passes_are_neither_doubled_nor_lost(
    words: list[HeardWord], cut_every: float, data: st.DataObject
) -> None:
    passes = planned(utterances_of(words, cut_every), LONGEST, OVERLAP)
    heard = [heard_in(words, one.start / RATE, one.end / RATE, data) for one in passes]
    together = stitched(heard, [one.seam / RATE for one in passes[1:]], OVERLAP / RATE)
    assert [each.text for each in together] == [each.text for each in words]
    assert all(abs(one.start - other.start) < 0.05 for one, other in zip(together, words, strict=True))


@settings(max_examples=60, deadline=None)
@given(said(), st.data())
def test_a_seam_through_a_word_neither_doubles_nor_loses_it(words: list[HeardWord], data: st.DataObject) -> None:
    at = data.draw(st.sampled_from(words))
    seam = (at.start + at.end) / 2
    left = heard_in(words, 0.0, seam + 2.5, data)
    right = heard_in(words, max(0.0, seam - 2.5), words[-1].end, data)
    assert [each.text for each in stitched([left, right], [seam], 2.5)] == [each.text for each in words]


@settings(max_examples=40, deadline=None)
@given(said(), st.floats(4.0, 12.0))
def test_passes_hold_all_speech_and_none_is_too_long(words: list[HeardWord], cut_every: float) -> None:
    utterances = utterances_of(words, cut_every)
    passes = planned(utterances, LONGEST, OVERLAP)
    assert all(0 < one.end - one.start <= LONGEST for one in passes)
    assert all(any(one.start <= start and end <= one.end for one in passes) for start, end in utterances)
    assert all(before.seam < after.seam for before, after in pairwise(passes))
    assert passes[0].start == utterances[0][0]
    assert passes[-1].end == utterances[-1][1]


def test_silence_needs_no_pass() -> None:
    assert planned((), LONGEST, OVERLAP) == ()
    assert stitched((), (), 2.5) == []


def test_where_two_passes_differ_over_a_word_at_the_seam_the_surer_one_is_kept() -> None:
    left = [word("we", 8.0, 8.5), word("wreck", 9.6, 10.2, 0.4)]
    right = [word("recognise", 9.7, 10.4, 0.8), word("speech", 14.0, 14.5)]
    assert [each.text for each in stitched([left, right], [10.0], 1.0)] == ["we", "recognise", "speech"]


@pytest.mark.parametrize(
    ("pieces", "language", "words"),
    [
        ([" Ask", " not", ",", " J", "FK", "."], "en", ["Ask", "not,", "JFK."]),
        (["Ask", " “", "not", "”", "!"], "en", ["Ask", "“not”!"]),
        ([" don", "'", "t", " stop", " —", " now"], "en", ["don't", "stop —", "now"]),
        ([" 3", ".", "5", " km", "/", "h"], "en", ["3.5", "km/h"]),
        (["北", "京", "。", "「", "你", "好"], "zh", ["北", "京。", "「你", "好"]),
        ([" ...", " yes"], "en", ["yes"]),
        ([" ", "a", "da", " ", "met", " ", "(", "l"], "en", ["ada", "met", "(l"]),
        ([], "en", []),
    ],
)
def test_pieces_become_words_with_their_marks(pieces: list[str], language: str, words: list[str]) -> None:
    found = words_of(pieces, language)
    assert [each.text for each in found] == words
    assert all(before.last < after.first for before, after in pairwise(found))


@given(
    st.lists(st.sampled_from([" a", "b", " ", ",", " “", ".", " 7", "é", " -", "—", "”"])),
    st.sampled_from(["en", "zh", None]),
)
def test_every_spoken_piece_stands_in_exactly_one_word(pieces: list[str], language: str | None) -> None:
    found = words_of(pieces, language)
    covered = [number for each in found for number in range(each.first, each.last + 1)]
    assert len(covered) == len(set(covered))
    assert {number for number, piece in enumerate(pieces) if plain(piece)} <= set(covered)
    assert all("".join(pieces[each.first : each.last + 1]).strip() == each.text for each in found)


def test_a_text_that_repeats_itself_is_told_from_one_that_does_not() -> None:
    assert goes_in_circles("thank you for watching " * 12)
    assert not goes_in_circles("Ask not what your country can do for you, ask what you can do for your country.")
    assert not goes_in_circles("no no no")


def test_given_words_take_the_times_at_which_they_were_heard() -> None:
    heard = [word("ask", 1.0, 1.3), word("Not,", 1.3, 1.6), word("whats", 1.6, 1.9), word("country", 2.0, 2.5)]
    found = placed(["Ask", "not", "what", "your", "country", "can"], heard)
    assert [(each.text, each.start, each.confident) for each in found] == [
        ("Ask", 1.0, True),
        ("not", 1.3, True),
        ("what", 1.6, False),
        ("country", 2.0, True),
    ]
    assert placed(["北京", "—"], heard) == []
    assert placed([], heard) == placed(["ask"], []) == []


@settings(max_examples=30, deadline=None)
@given(said(), st.sets(st.integers(0, 69)))
def test_given_words_are_found_whatever_was_not_heard(words: list[HeardWord], missed: set[int]) -> None:
    heard = [each for number, each in enumerate(words) if number not in missed]
    assert [each.text for each in placed([each.text for each in words], heard)] == [each.text for each in heard]
