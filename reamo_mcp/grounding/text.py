"""Where a quote stands in a text: exact, or equal in normal form; a near match is only ever proposed.

A quote is *found* where the source says the same: the same characters, or the same in the normal form of
`reamo_mcp.grounding.normalised`. It has to stand alone: not inside a longer word or number, not stripped of the sign,
unit or magnitude that belongs to its number, nor of a negating prefix. Everything else (another number, name, unit,
word, order) is not found, however near; `nearest_passage` may then propose where to look, which proves nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from reamo_mcp.grounding.normalised import NormalisedText, is_unspaced, is_word_character, normalised, squeezed

_NUMBER_GOES_ON = re.compile(
    r"[.,:/]\d|\s?[%‰°]|[\s-](?:hundred|thousand|million|billion|trillion|dozen|percent|per\s+cent)\b", re.IGNORECASE
)
_NEGATING_PREFIX = re.compile(r"\b(?:non|un|anti)[-‐‑]$", re.IGNORECASE)
_CURRENCY = frozenset("$€£¥₹₽₩₺₴₦₫₱฿¢")
_SIGNS = frozenset("-−–+±~≈<>≤≥")
_LONGEST_ACRONYM = 5
_SHORTEST_NAME = 3  # letters up to which capitals make an acronym, whatever the case of the other
_TOKEN = re.compile(r"\w+")


@dataclass(frozen=True)
class FoundQuote:
    """The quote is ``text[start:end]``, to the letter or in normal form."""

    start: int
    end: int
    by: Literal["exact", "normalised"]


@dataclass(frozen=True)
class QuoteNotFound:
    """The text does not say it; ``reason`` is a sentence for people."""

    reason: str


@dataclass(frozen=True)
class Passage:
    """A place that shares words with a quote. It proves nothing: ``likeness`` is the share of the words in common."""

    start: int
    end: int
    likeness: float


class SearchableText:
    """A text that many quotes are looked for in; its normal forms are made once, when first needed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._squeezed: str | None = None
        self._forms: list[NormalisedText] | None = None

    def find(self, quote: str, nth: int = 1) -> FoundQuote | QuoteNotFound:
        """Return the ``nth`` place (from 1) where the text says ``quote``.

        Exact places are counted if there are enough of them, else all places that are equal in normal form.
        The time is linear in the text, whether the quote is found or not.
        """
        for found in (self._exact(quote), self._normalised(quote)):
            for count, place in enumerate(found, start=1):
                if count == nth:
                    return place
        if nth > 1 and not isinstance(self.find(quote), QuoteNotFound):
            return QuoteNotFound(f"the text says this fewer than {nth} times")
        return QuoteNotFound("the text does not say this")

    def find_all(self, quote: str) -> Iterator[FoundQuote]:
        """Yield every place where the text says ``quote``, to the letter or in normal form, in order."""
        exact = {(place.start, place.end) for place in self._exact(quote)}
        places = {(place.start, place.end) for place in self._normalised(quote)} | exact
        for start, end in sorted(places):
            yield FoundQuote(start, end, "exact" if (start, end) in exact else "normalised")

    def _exact(self, quote: str) -> Iterator[FoundQuote]:
        quote = quote.strip()
        start = self.text.find(quote) if quote else -1
        while start >= 0:
            end = start + len(quote)
            if stands_alone(self.text, start, end):
                yield FoundQuote(start, end, "exact")
            start = self.text.find(quote, start + 1)

    def _normalised(self, quote: str) -> Iterator[FoundQuote]:
        if self._squeezed is None:
            self._squeezed = squeezed(self.text)
        if squeezed(quote) not in self._squeezed:
            return
        if self._forms is None:
            joined = NormalisedText(self.text)
            self._forms = [joined, NormalisedText(self.text, keep_hyphens=True)] if joined.broken_words else [joined]
        places: set[tuple[int, int]] = set()
        for text in self._forms:
            form = normalised(quote, keep_hyphens=text.keep_hyphens)
            for start, end in text.occurrences(form):
                said = self.text[start:end]
                if (
                    stands_alone(self.text, start, end)  # first, since it costs least
                    and normalised(said, keep_hyphens=text.keep_hyphens) == form
                    and not _is_another_word(quote, said)
                ):
                    places.add((start, end))
        for start, end in sorted(places):
            yield FoundQuote(start, end, "normalised")


def find_quote(text: str, quote: str, nth: int = 1) -> FoundQuote | QuoteNotFound:
    """Return the ``nth`` place (from 1) where ``text`` says ``quote``; see `SearchableText.find`."""
    return SearchableText(text).find(quote, nth)


def stands_alone(text: str, start: int, end: int) -> bool:
    """Return whether ``text[start:end]`` is whole words and whole numbers of its text."""
    before, first = text[start - 1 : start], text[start : start + 1]
    last, after = text[end - 1 : end], text[end : end + 1]
    if before and _touch(before, first):
        return False
    if after and _touch(last, after):
        return False
    if first.isdigit() and before:
        if before in ".,:/" and text[start - 2 : start - 1].isdigit():
            return False
        if before in _CURRENCY or (before in _SIGNS and not is_word_character(text[start - 2 : start - 1] or " ")):
            return False
    if last.isdigit() and _NUMBER_GOES_ON.match(text, end):
        return False
    return _NEGATING_PREFIX.search(text, max(0, start - 6), start) is None


def nearest_passage(text: str, quote: str, least: float = 0.5) -> Passage | None:
    """Propose the passage that shares most words with the quote, None if it shares less than ``least`` of them.

    A window of as many words as the quote has slides over the text, so the time is linear in it. What is proposed
    may differ in the number, the name or the negation that matters: it is for a second look, never a proof.
    """
    wanted = Counter(match.group().casefold() for match in _TOKEN.finditer(quote))
    size = wanted.total()
    if not size:
        return None
    tokens = [(match.start(), match.end(), match.group().casefold()) for match in _TOKEN.finditer(text)]
    missing = Counter(wanted)
    shared = best = 0
    best_at = 0
    for index, (_, _, token) in enumerate(tokens):
        if token in wanted:
            shared += missing[token] > 0
            missing[token] -= 1
        if index >= size and (left := tokens[index - size][2]) in wanted:
            missing[left] += 1
            shared -= missing[left] > 0
        if shared > best:
            best, best_at = shared, index
    if best / size < least:
        return None
    window = [token for token in tokens[max(0, best_at - size + 1) : best_at + 1] if token[2] in wanted]
    return Passage(window[0][0], window[-1][1], best / size)


def _touch(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word or number."""
    if not (is_word_character(left) and is_word_character(right)):
        return False
    return not (is_unspaced(left) or is_unspaced(right)) or (left.isdigit() and right.isdigit())


def _is_another_word(quote: str, said: str) -> bool:
    """Whether letter case makes it another word: 'WHO' is neither 'who' nor 'Who', 'AIDS' is not 'aids'."""
    quote = quote.strip()
    if len(quote) > _LONGEST_ACRONYM or " " in quote or quote.isupper() == said.isupper():
        return False
    return len(quote) <= _SHORTEST_NAME or quote.islower() or said.islower()
