from itertools import accumulate, pairwise

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reamo_mcp.models.local.alignment import spoken_symbols, starts_of_tokens

SYMBOLS = 8
BLANK = 0


def planted(spans: list[tuple[int, int, int]], frames: int) -> numpy.ndarray:
    """Log-probabilities in which each symbol is likely within its span, and the blank elsewhere."""
    likely = numpy.full((frames, SYMBOLS), 0.01 / (SYMBOLS - 1), numpy.float32)
    likely[:, BLANK] = 0.99
    for symbol, start, end in spans:
        likely[start:end] = 0.01 / (SYMBOLS - 1)
        likely[start:end, symbol] = 0.99
    return numpy.log(likely)


@st.composite
def spoken(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Symbols with their frames; equal neighbours have a frame between them."""
    found: list[tuple[int, int, int]] = []
    at = draw(st.integers(0, 5))
    for symbol in draw(st.lists(st.integers(1, SYMBOLS - 1), min_size=1, max_size=20)):
        at += draw(st.integers(0, 4)) + (bool(found) and found[-1][0] == symbol)
        length = draw(st.integers(1, 5))
        found.append((symbol, at, at + length))
        at += length
    return found


@settings(deadline=None)
@given(spoken(), st.integers(0, 10))
def test_symbols_are_found_in_the_frames_in_which_they_were_planted(
    spans: list[tuple[int, int, int]], rest: int
) -> None:
    frames = spans[-1][2] + rest
    symbols = [symbol for symbol, _, _ in spans]
    found = spoken_symbols(planted(spans, frames), symbols, BLANK, to_the_end=True)
    assert [(one.start, one.end) for one in found] == [(start, end) for _, start, end in spans]
    assert all(one.probability == pytest.approx(0.99) for one in found)


@settings(deadline=None)
@given(spoken(), st.lists(st.integers(1, SYMBOLS - 1), max_size=20))
def test_of_a_text_that_goes_on_only_what_was_said_is_found(spans: list[tuple[int, int, int]], more: list[int]) -> None:
    symbols = [symbol for symbol, _, _ in spans]
    found = spoken_symbols(planted(spans, spans[-1][2] + 2), [*symbols, *more], BLANK, to_the_end=False)
    assert [(one.start, one.end) for one in found] == [(start, end) for _, start, end in spans]


def test_symbols_that_were_not_said_are_improbable_and_too_many_are_not_found() -> None:
    silence = planted([], 30)
    assert max(one.probability for one in spoken_symbols(silence, [1, 2, 3], BLANK, to_the_end=True)) < 0.01
    assert spoken_symbols(silence[:3], [5, 6, 6], BLANK, to_the_end=True) == []
    assert spoken_symbols(silence[:0], [1], BLANK, to_the_end=True) == []
    assert spoken_symbols(silence, [], BLANK, to_the_end=True) == []
    assert spoken_symbols(silence, [1, 2], BLANK, to_the_end=False) == []


@settings(deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=30), st.integers(0, 1000))
def test_tokens_start_where_the_attention_moves_to_them(lengths: list[int], seed: int) -> None:
    starts = [0, *accumulate(lengths)][:-1]
    attention = numpy.random.default_rng(seed).uniform(0, 0.1, (len(lengths), sum(lengths)))
    for token, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        attention[token, start : start + length] += 1.0
    assert starts_of_tokens(attention) == starts


@given(st.integers(1, 40), st.integers(1, 40))
def test_tokens_start_in_their_order_whatever_the_attention_is(tokens: int, frames: int) -> None:
    starts = starts_of_tokens(numpy.random.default_rng(tokens).normal(size=(tokens, frames)))
    assert len(starts) == tokens
    assert starts[0] == 0
    assert all(a < b if tokens <= frames else a <= b for a, b in pairwise(starts))
    assert starts[-1] < frames
