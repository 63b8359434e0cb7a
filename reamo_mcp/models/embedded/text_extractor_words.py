"""How the text extractor cuts a text into words, and what it sees of each word besides its letters.

A word is a run of letters and digits, or one other sign; white space belongs to no word. The encoder is uncased, so the
shape of each word (capitals, digits, signs) is given beside its word pieces. Offsets are code points of the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_WORD = 40
"""Longer runs of letters are cut: nobody's name, and a text without blanks stays bounded."""

# Marks (accents, vowel signs) are not \w, but belong to the letter before them: a name is not cut inside a letter.
_WORD = re.compile(rf"[^\W_](?:[\w\u0300-\u036f\u200c\u200d]){{0,{LONGEST_WORD - 1}}}|\S")
_SENTENCE_END = frozenset(".!?…。！？")
_CLOSING = frozenset("\"')]}”’»")
# What stands before a full stop that ends no sentence: initials ("John F. Kennedy", "U.S. Navy") and short forms.
_SHORTENED = re.compile(
    r"(?:^|[^\w])(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Prof|Gen|Sen|Rep|Gov|Lt|Col|Sgt|Capt|Cpt|Maj|Adm|Rev|Hon|Pres|Messrs|Mt|Ft"
    r"|No|Nos|Fig|vs|cf|ca|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)\.$"
)
_LONGEST_SHORTENED = 8

SHAPES = 12
"""How many shapes there are; 0 is for what is no word."""


@dataclass(frozen=True, slots=True)
class Word:
    """``text[start:end]`` of the text that was cut."""

    text: str
    start: int
    end: int


def cut_words(text: str, start: int = 0, end: int | None = None) -> Iterator[Word]:
    """Yield the words of ``text[start:end]`` in order."""
    for match in _WORD.finditer(text, start, len(text) if end is None else end):
        yield Word(match.group(), match.start(), match.end())


def shape(word: str) -> int:
    """Return the shape of a word, 1 to `SHAPES` - 1."""
    letters = sum(character.isalpha() for character in word)
    if not letters:
        if word[0].isdigit():
            return 8 if len(word) == 4 else 7
        return 10 if word in "@#" else 9
    if letters < len(word) and any(character.isdigit() for character in word):
        return 6
    if word.islower():
        return 1
    if word.isupper():
        return 3 if letters > 1 else 4
    if word[0].isupper() and word[1:].islower():
        return 2
    return 5 if word[0].isupper() or any(character.isupper() for character in word) else 11


def ends_sentence(text: str, word: Word, following: Word) -> bool:
    """Return whether a sentence ends between two neighbouring words: at a blank line, or a full stop and a capital."""
    gap = text[word.end : following.start]
    if gap.count("\n") > 1 or "\x0c" in gap:
        return True
    if word.text == "." and _SHORTENED.search(text[max(0, word.end - _LONGEST_SHORTENED) : word.end]):
        return False
    if word.text in _SENTENCE_END or (word.text in _CLOSING and text[word.start - 1 : word.start] in _SENTENCE_END):
        return bool(gap) and not following.text[0].islower()
    return False
