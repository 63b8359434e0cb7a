"""Known names looked for where no proposer found them: a name of the caption in the speech, in the picture, on page 3.

Only what the reading says to the letter, or in normal form (`reamo_mcp.grounding.text`), counts, and only whole words
that no other mention holds. A name of one word is taken with more care: not where it may be part of a longer name, not
where it is an ordinary word of the document, and in speech without letter case only if it is long.
"""

import re
from collections.abc import Iterator

from reamo_mcp.grounding.locating import locate_slice
from reamo_mcp.grounding.normalised import is_unspaced
from reamo_mcp.grounding.rejection import Rejection
from reamo_mcp.grounding.slices import slice_of
from reamo_mcp.grounding.text import SearchableText
from reamo_mcp.linking.names import TITLES, folded
from reamo_mcp.types.candidate import CandidateMention
from reamo_mcp.types.grounding import Grounding, Provenance, Via
from reamo_mcp.types.media import Medium
from reamo_mcp.types.reading import Reading

_WORD = re.compile(r"[^\W_]+")
_NEXT_WORD = re.compile(r"[ \t]{1,2}([^\W_]+)")
_WORD_BEFORE = re.compile(r"([^\W_]+)\.?[ \t]{1,2}$")
_SHORTEST_WITHOUT_CASE = 6
_SHORTEST = 3
_FOUND_BY = Provenance(model="name search", step="locate")
# Words that are names and ordinary words: never taken as a name where letter case does not tell.
_ORDINARY = frozenset(
    "mobile reading nature science orange turkey phoenix chance august grace faith patience justice hunter summer"
    " winter autumn spring market street people target shell oracle bishop castle church ambassador general union"
    " united states minister president police government congress senate parliament council".split()
)


class Held:
    """The stretches of one reading that mentions already hold."""

    def __init__(self, characters: int) -> None:
        self._held = bytearray(characters)

    def hold(self, start: int, end: int) -> None:
        """Hold ``[start, end)`` from now on."""
        self._held[start:end] = b"\1" * (end - start)

    def is_free(self, start: int, end: int) -> bool:
        """Return whether no mention holds any of ``[start, end)``."""
        return not any(self._held[start:end])


class ReadingSearch:
    """One reading in which names are looked for."""

    def __init__(self, reading: Reading, medium: Medium) -> None:
        self.reading = reading
        self._medium = medium
        self._text = SearchableText(reading.text)
        words = _WORD.findall(reading.text)
        self._words = {folded(word) for word in words}
        self.has_case = any(word[0].isupper() for word in words) and any(word.islower() for word in words)
        self.ordinary = {word for word in words if word.islower()} if self.has_case else set[str]()

    def find(self, name: str, held: Held, ordinary: frozenset[str]) -> Iterator[Grounding]:
        """Yield the places of a name outside ``held``; ``ordinary`` are words that stand in lower case elsewhere."""
        words = _WORD.findall(name)
        # Words that a line end cut are missing from the set of words; then only the search itself can tell.
        may_hold = all(folded(word) in self._words for word in words) or "-\n" in self.reading.text
        if not words or not (may_hold or any(map(is_unspaced, name))):
            return
        for found in self._text.find_all(name):
            if not held.is_free(found.start, found.end):
                continue
            if len(words) == 1 and not self._is_that_name(name, found.start, found.end, ordinary):
                continue
            located = self._locate(found.start, found.end)
            if located is not None:
                yield located

    def _locate(self, start: int, end: int) -> Grounding | None:
        reading = self.reading
        mention = CandidateMention(
            media_id=reading.media_id,
            quote=reading.text[start:end],
            via=Via(reading=reading.id, start=start, end=end),
            provenance=_FOUND_BY,
        )
        slice_ = slice_of(mention, reading, start, end)
        if reading.draft and not all(word.confident for word in slice_.words):
            return None
        located = locate_slice(slice_, self._medium)
        return None if isinstance(located, Rejection) else located

    def _is_that_name(self, name: str, start: int, end: int, ordinary: frozenset[str]) -> bool:
        text = self.reading.text
        said = text[start:end]
        if any(map(is_unspaced, name)):
            return True
        if said.islower() and not name.islower():
            word = said.casefold()
            return (
                not self.has_case
                and len(word) >= _SHORTEST_WITHOUT_CASE
                and word not in ordinary
                and word not in _ORDINARY
            )
        after = _NEXT_WORD.match(text, end)
        before = _WORD_BEFORE.search(text, max(0, start - 40), start)
        if after is not None and after[1][0].isupper():
            return False
        return before is None or not before[1][0].isupper() or folded(before[1]) in TITLES


def is_searchable(name: str) -> bool:
    """Return whether a name is distinctive enough to be looked for: long enough, and not an ordinary word."""
    if any(map(is_unspaced, name)):
        return len(name) > 1
    return len(name) >= _SHORTEST and not name.islower() and any(character.isalpha() for character in name)
