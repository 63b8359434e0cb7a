"""Names worth listening for: what the other media of a document write with capitals.

Which types are asked for plays no part, so that what was heard serves every later question on the same files.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from reamo_mcp.models.roles import HeardWord
from reamo_mcp.reading.visible_text import visible_text
from reamo_mcp.types.reading import Reading

MOST_NAMES = 40
"""Names that are listened for at once: each may be heard where nobody says it, if seldom."""
_MOST_WORDS = 4
_WRITTEN = frozenset(("text", "picture_text", "video_text"))
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['’](?=[^\W\d_])){0,30}")
_GAPS = frozenset((" ", "\u00a0", "-"))
_SHORTEST_SHOUTED = 5  # letters; shorter words in capitals are abbreviations
_OPENING = frozenset(
    "the a an and but or nor for so yet he she it we they you i his her its our their your my this that these those"
    " there here in on at by to of from with without under over after before during since until while when where what"
    " who why how if as not no yes all both each some many most more".split()
)


def expected_names(readings: Iterable[Reading]) -> tuple[str, ...]:
    """Return the names that a person sees written in readings, each once, in the order of their first appearance.

    Of a name of three words and more its last two are a name as well: the first may be a title.
    """
    names: dict[str, None] = {}
    for reading in readings:
        if reading.kind in _WRITTEN:
            for words in _capitalised(visible_text(reading).text):
                names.setdefault(" ".join(words))
                if len(words) > 2:
                    names.setdefault(" ".join(words[-2:]))
                if len(names) >= MOST_NAMES:
                    return tuple(names)[:MOST_NAMES]
    return tuple(names)


def with_names(words: Sequence[HeardWord], names: Sequence[HeardWord]) -> list[HeardWord]:
    """Return the words of a draft with the names that were heard in place of what the draft made of them."""
    kept = [word for word in words if not any(name.start <= (word.start + word.end) / 2 < name.end for name in names)]
    return sorted((*kept, *names), key=lambda word: (word.start, word.end))


def _capitalised(text: str) -> Iterator[list[str]]:
    """Yield runs of neighbouring words that begin with a capital, as a person would say them."""
    run: list[str] = []
    end = 0
    for match in _WORD.finditer(text):
        if run and text[end : match.start()] not in _GAPS:
            yield from _name(run)
            run = []
        if match.group()[0].isupper():
            run.append(match.group())
        else:
            yield from _name(run)
            run = []
        end = match.end()
    yield from _name(run)


def _name(run: Sequence[str]) -> Iterator[list[str]]:
    words = list(run)
    while words and words[0].casefold() in _OPENING:
        del words[0]
    if 0 < len(words) <= _MOST_WORDS:
        yield [word.capitalize() if word.isupper() and len(word) >= _SHORTEST_SHOUTED else word for word in words]
