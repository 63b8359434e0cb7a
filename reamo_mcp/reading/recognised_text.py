"""From the lines that a text reader found to the text of a reading, each word with its place."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from reamo_mcp.models.roles import Line
from reamo_mcp.types.grounding import Box
from reamo_mcp.types.reading import Place, Word

CONFIDENT = 0.7
"""Lines recognised with less are kept, but marked: on photographs most of them are wrong."""


@dataclass(frozen=True)
class PlacedText:
    """A text and the words in it."""

    text: str
    words: tuple[Word, ...]


def text_of_lines(lines: Iterable[Line], start: int, place: Callable[[Box], Place]) -> PlacedText:
    """Return the lines as one text, one line each; offsets of the words count from ``start``.

    A line broken by the layout stays a line and a hyphen at its end stays: grounding knows how to join them.
    """
    text = ""
    words: list[Word] = []
    for line in lines:
        text += "\n" if text else ""
        words += [
            Word(
                start=start + len(text) + word.start,
                end=start + len(text) + word.end,
                place=place(word.box),
                confidence=line.confidence,
                confident=line.confidence >= CONFIDENT,
            )
            for word in line.words
        ]
        text += line.text
    return PlacedText(text, tuple(words))
