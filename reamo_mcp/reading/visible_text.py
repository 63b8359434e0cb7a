"""The text of a reading as a model sees it: without hidden words, with the lines of one sentence joined.

Hidden words (white, tiny, off the page) are cut out, so that no model reads what no person sees. Lines that layout
broke are joined by a blank in place of the line break, so that a name that wraps is one name. Offsets of what a model
finds are mapped back to the reading.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reamo_mcp.types.grounding import Box
from reamo_mcp.types.reading import AtPage, AtRegion, AtTrack, Reading, Word

_CUT = "\n\n"  # stands where hidden words were: a model shall not join what is left and right of them
_SHORTEST_WRAPPED_LINE = 40  # characters; shorter lines of a text without layout are items of a list
_ITEM = re.compile(r"\s*(?:[-*+•·#>|]|\d+[.)]\s)")
_LINE_BREAK = re.compile(r"(?<=\S)[ \t]*(\r\n|\n|\r)(?=[ \t]*\S)")
_END_OF_ITEM = ".:;!?。！？："
_SAME_SIZE = 1.35  # most ratio of the heights of two lines of one sentence
_WIDEST_LEADING = 1.0  # most white between two lines of one sentence, in heights of a line


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
    joined = list(text)
    for match in _LINE_BREAK.finditer(text):
        before = text[max(text.rfind("\n", 0, match.start()), text.rfind("\r", 0, match.start())) + 1 : match.start()]
        if _goes_on(reading, text, before, match):
            for at in range(*match.span(1)):
                joined[at] = " "
    return "".join(joined)


def _goes_on(reading: Reading, text: str, line: str, line_break: re.Match[str]) -> bool:
    if reading.kind == "transcript":
        return True
    if _ITEM.match(text, line_break.end()):
        return False
    boxes = _boxes_around(reading.words, text, line_break.start(), line_break.end())
    if boxes is None:
        return len(line.strip()) >= _SHORTEST_WRAPPED_LINE
    if line.rstrip()[-1:] in _END_OF_ITEM:
        return False
    above, below = boxes
    low = min(above.height, below.height)
    return (
        max(above.height, below.height) <= _SAME_SIZE * low
        and -0.5 * low <= below.y - above.bottom <= _WIDEST_LEADING * low
    )


def _boxes_around(words: Sequence[Word], text: str, start: int, end: int) -> tuple[Box, Box] | None:
    """Return the boxes of the line before and of the line after a line break.

    Of whole lines, because boxes of single words may be as high as their own letters: "was" is lower than "by".
    """
    after = bisect_right(words, end - 1, key=lambda word: word.start)
    if not 0 < after < len(words) or words[after - 1].end > end:
        return None
    line_start, line_end = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    above = _joint([word for word in words[max(0, after - 50) : after] if word.start >= line_start])
    below = _joint([word for word in words[after : after + 50] if line_end < 0 or word.end <= line_end])
    return None if above is None or below is None else (above, below)


def _joint(words: Sequence[Word]) -> Box | None:
    joint: Box | None = None
    for word in words:
        box = _box(word)
        if box is None:
            return None
        joint = box if joint is None else joint.union(box)
    return joint


def _box(word: Word) -> Box | None:
    match word.place:
        case AtRegion(parts=parts):
            return parts[-1]
        case AtPage(parts=page_parts):
            return page_parts[-1].box
        case AtTrack(keyframes=keyframes):
            return keyframes[0].parts[-1]
        case _:
            return None
