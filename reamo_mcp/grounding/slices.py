"""A slice of a reading with the words under it: what every locator starts from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from reamo_mcp.grounding.words import share_of_box, words_under
from reamo_mcp.types.candidate import CandidateMention
from reamo_mcp.types.grounding import Box, ScoreKind, Via
from reamo_mcp.types.reading import AtPage, AtRegion, AtTime, AtTrack, Reading, Word

P = TypeVar("P", AtPage, AtRegion, AtTime, AtTrack)
UNCERTAIN_WORDS = 0.5  # what a score is worth when a word under it was read or heard without confidence


@dataclass(frozen=True)
class Slice:
    """The stretch ``[start, end)`` of a reading's text that supports a mention, and the words that it touches."""

    mention: CandidateMention
    reading: Reading
    start: int
    end: int
    words: tuple[Word, ...]

    @property
    def quote(self) -> str:
        """What the reading says there."""
        return self.reading.text[self.start : self.end]

    @property
    def via(self) -> Via:
        """The slice as a reference."""
        return Via(reading=self.reading.id, start=self.start, end=self.end)

    @property
    def score(self) -> float | None:
        """The mention's score, halved where a word was read or heard without confidence."""
        if self.mention.score is None or all(word.confident for word in self.words):
            return self.mention.score
        return self.mention.score * UNCERTAIN_WORDS

    @property
    def score_kind(self) -> ScoreKind:
        """The mention's kind of score; none where a word was read or heard without confidence."""
        return self.mention.score_kind if all(word.confident for word in self.words) else "none"

    def places(self, kind: type[P]) -> Iterator[tuple[Word, P]]:
        """Yield the words whose place is of one kind."""
        for word in self.words:
            if isinstance(word.place, kind):
                yield word, word.place

    def cut(self, word: Word, box: Box, parts: int = 1) -> Box:
        """Return the part of the word's box that the slice fills; a word of several boxes keeps them whole."""
        return box if parts > 1 else share_of_box(box, self.reading.text, word, self.start, self.end)


def slice_of(mention: CandidateMention, reading: Reading, start: int, end: int) -> Slice:
    """Return the slice ``[start, end)`` of a reading with its words."""
    return Slice(mention, reading, start, end, words_under(reading.words, start, end))
