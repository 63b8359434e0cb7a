"""Long texts in pieces that the network takes at once: whole sentences, and overlapping windows of endless ones.

Every span of up to `WIDEST` words belongs to exactly one window that holds it whole, so none is doubled, cut or lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from reamo_mcp.models.embedded.text_extractor_words import Word, cut_words, ends_sentence

WIDEST = 12
"""Longest span in words, as trained."""
MOST_WORDS = 80
"""Words of one window, as trained."""
_FEWEST_WORDS = 10  # shorter sentences are read together with what follows: a name alone says little
_OVERLAP = 24
_LETTERS_OF_A_PASSAGE = 1 << 16  # code points looked at together, so that a text without sentences stays bounded


@dataclass(frozen=True)
class Window:
    """Neighbouring words of a text. Spans whose middle lies in ``owned`` (indices into ``words``) belong to it."""

    text: int
    words: tuple[Word, ...]
    owned: tuple[int, int]
    sentences: tuple[int, ...]
    """For each word the number of its sentence in the window."""
    lines: tuple[int, ...]
    """For each word the number of its line in the window."""

    def names(self, first: int, end: int) -> bool:
        """Return whether the words ``first`` to before ``end`` may name one thing: one line of one sentence holds them.

        A heading and what stands below it are two. Lines that layout alone broke are joined before (`visible_text`).
        """
        last = end - 1
        return (
            last < len(self.words)
            and self.sentences[first] == self.sentences[last]
            and self.lines[first] == self.lines[last]
        )

    def owns(self, first: int, end: int) -> bool:
        """Return whether the span of the words ``first`` to before ``end`` is this window's to report."""
        return self.owned[0] <= (first + end - 1) // 2 < self.owned[1]


def cut_windows(text: str, number: int) -> Iterator[Window]:
    """Yield the windows of a text in order. ``number`` is the text's place among the texts of the call."""
    sentence: list[Word] = []
    gathered: list[list[Word]] = []
    for part in _sentences(text):
        sentence = part
        count = sum(map(len, gathered))
        if gathered and (count >= _FEWEST_WORDS or count + len(sentence) > MOST_WORDS):
            yield from _windows(text, gathered, number)
            gathered = []
        gathered.append(sentence)
    if gathered:
        yield from _windows(text, gathered, number)


def _sentences(text: str) -> Iterator[list[Word]]:
    sentence: list[Word] = []
    for word in cut_words(text):
        ended = sentence and ends_sentence(text, sentence[-1], word)
        if ended or len(sentence) >= _LETTERS_OF_A_PASSAGE:
            yield sentence
            sentence = []
        sentence.append(word)
    if sentence:
        yield sentence


def _windows(text: str, sentences: list[list[Word]], number: int) -> Iterator[Window]:
    words = [word for sentence in sentences for word in sentence]
    sentence_of = [index for index, sentence in enumerate(sentences) for _ in sentence]
    line_of = [0]
    for word, following in pairwise(words):
        line_of.append(line_of[-1] + ("\n" in text[word.end : following.start]))
    start = 0
    while True:
        end = min(start + MOST_WORDS, len(words))
        last = end == len(words)
        yield Window(
            text=number,
            words=tuple(words[start:end]),
            owned=(0 if start == 0 else _OVERLAP // 2, end - start if last else end - start - _OVERLAP // 2),
            sentences=tuple(sentence_of[start:end]),
            lines=tuple(line_of[start:end]),
        )
        if last:
            return
        start = end - _OVERLAP
