"""The text of a reading as a model sees it: without hidden words, with the lines of one sentence joined.

Hidden words (white, tiny, off the page) are cut out, so that no model reads what no person sees. Lines that layout
broke are joined by a blank in place of the line break, so that a name that wraps is one name. Offsets of what a model
finds are mapped back to the reading.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from reamo_mcp.reading.layout_lines import LayoutLines
from reamo_mcp.types.reading import Reading

_CUT = "\n\n"  # stands where hidden words were: a model shall not join what is left and right of them
_SHORTEST_WRAPPED_LINE = 40  # characters; shorter lines of a text without layout are items of a list
_ITEM = re.compile(r"\s*(?:[-*+•·#>|]|\d+[.)]\s)")
_LINE_BREAK = re.compile(r"(?<=\S)[ \t]*(\r\n|\n|\r)(?=[ \t]*\S)")
_END_OF_ITEM = ".:;!?。！？："


@dataclass(frozen=True)
class VisibleText:
    """What a model sees of a reading, with the way back. ``starts`` are the cuts: (in this text, in the reading)."""

    text: str
    starts: tuple[tuple[int, int, int], ...]  # (start here, start in the reading, length) of each kept stretch

    def in_reading(self, start: int, end: int) -> tuple[int, int] | None:
        """Return ``[start, end)`` as offsets of the reading, None if hidden words lie inside it."""
        index = bisect_right(self.starts, start, key=lambda stretch: stretch[0]) - 1
        if index < 0 or start >= end:
            return None
        here, there, length = self.starts[index]
        if end > here + length:
            return None
        return there + start - here, there + end - here


def visible_text(reading: Reading) -> VisibleText:
    """Return the text of a reading without its hidden words and with wrapped lines joined."""
    text = _with_lines_joined(reading)
    kept: list[str] = []
    starts: list[tuple[int, int, int]] = []
    length = at = 0
    for start, end in [*_hidden_stretches(reading), (len(text), len(text))]:
        if start > at:
            if kept:
                kept.append(_CUT)
                length += len(_CUT)
            starts.append((length, at, start - at))
            kept.append(text[at:start])
            length += start - at
        at = max(at, end)
    return VisibleText("".join(kept), tuple(starts))


def _hidden_stretches(reading: Reading) -> Iterator[tuple[int, int]]:
    """Yield runs of hidden words with the white space between them."""
    run: tuple[int, int] | None = None
    for word in reading.words:
        if not word.visible:
            run = (word.start, word.end) if run is None else (run[0], max(run[1], word.end))
        elif run is not None:
            yield run
            run = None
    if run is not None:
        yield run


def _with_lines_joined(reading: Reading) -> str:
    """Return the reading's text with the line breaks inside sentences as blanks: the same length, the same offsets."""
    text = reading.text
    if "\n" not in text and "\r" not in text:
        return text
    layout = LayoutLines(reading)
    joined = list(text)
    for match in _LINE_BREAK.finditer(text):
        before = text[max(text.rfind("\n", 0, match.start()), text.rfind("\r", 0, match.start())) + 1 : match.start()]
        if _goes_on(reading, layout, before, match):
            for at in range(*match.span(1)):
                joined[at] = " "
    return "".join(joined)


def _goes_on(reading: Reading, layout: LayoutLines, line: str, line_break: re.Match[str]) -> bool:
    if reading.kind == "transcript":
        return True
    if _ITEM.match(reading.text, line_break.end()):
        return False
    lines = layout.around(line_break.start())
    if lines is None:
        return len(line.strip()) >= _SHORTEST_WRAPPED_LINE
    if line.rstrip()[-1:] in _END_OF_ITEM:
        return False
    return layout.are_one_block(*lines) and layout.was_full(*lines)
