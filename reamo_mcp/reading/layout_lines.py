"""The lines of a page as they lie there: which line break the margin forced, and which one somebody meant.

A line that had room for the first word of the next line was ended on purpose: the lines of a letterhead or an address
are items, though they stand as close as those of a sentence. The room is measured against the margin of the
paragraph, where the lines above are about equally long, and else against that of the page.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reamo_mcp.types.grounding import Box
from reamo_mcp.types.reading import AtPage, AtRegion, AtTrack, Reading, Word

_SAME_SIZE = 1.35  # most ratio of the heights of two lines of one sentence
_WIDEST_LEADING = 1.0  # most white between two lines of one sentence, in heights of a line
_BLANK = 0.25  # of the height of a line
_SAME_LEFT = 6.0  # points
_FULL = 0.75  # lines of a paragraph reach at least so far, as a share of the longest


@dataclass(frozen=True)
class LaidLine:
    """A line of the reading's text from ``start`` on, with the boxes of the line and of its first word."""

    start: int
    box: Box
    first_word: Box
    page: int | None


class LayoutLines:
    """The lines of one reading in order. Boxes are in units of the medium."""

    def __init__(self, reading: Reading) -> None:
        self._lines = tuple(_lines(reading.text, reading.words))
        self._margins = _margins(self._lines)

    def around(self, line_break: int) -> tuple[int, int] | None:
        """Return the indices of the lines before and after a line break, None if either has no place."""
        after = bisect_right(self._lines, line_break, key=lambda line: line.start)
        return (after - 1, after) if 0 < after < len(self._lines) else None

    def are_one_block(self, above: int, below: int) -> bool:
        """Return whether the two lines are of one size and close together."""
        return _are_close(self._lines[above], self._lines[below])

    def was_full(self, above: int, below: int) -> bool:
        """Return whether the first word of the line below had no room at the end of the line above."""
        line, following = self._lines[above], self._lines[below]
        needed = line.box.right + _BLANK * line.box.height + following.first_word.width
        return line.page is None or needed > self._margins[above]


def _margins(lines: Sequence[LaidLine]) -> list[float]:
    """Return for each line how far right it could have gone, as far as its neighbours tell."""
    of_page: dict[tuple[int | None, int], float] = {}
    for line in lines:
        key = (line.page, round(line.box.x / _SAME_LEFT))
        of_page[key] = max(of_page.get(key, 0.0), line.box.right)
    margins: list[float] = []
    for block in _blocks(lines):
        longest = max(line.box.right for line in block)
        shortest = min((line.box.right - line.box.x for line in block[:-1]), default=0.0)
        if len(block) > 2 and shortest >= _FULL * (longest - block[0].box.x):
            margins += [longest] * len(block)
            continue
        for line in block:
            key = round(line.box.x / _SAME_LEFT)
            margins.append(max(of_page.get((line.page, key + step), 0.0) for step in (-1, 0, 1)))
    return margins


def _blocks(lines: Sequence[LaidLine]) -> Iterator[list[LaidLine]]:
    """Yield runs of lines that stand close under each other from the same left edge."""
    block: list[LaidLine] = []
    for line in lines:
        if block and not (_are_close(block[-1], line) and abs(block[-1].box.x - line.box.x) <= _SAME_LEFT):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _are_close(above: LaidLine, below: LaidLine) -> bool:
    low, high = sorted((above.box.height, below.box.height))
    return (
        above.page == below.page
        and high <= _SAME_SIZE * low
        and -0.5 * low <= below.box.y - above.box.bottom <= _WIDEST_LEADING * low
    )


def _lines(text: str, words: Sequence[Word]) -> Iterator[LaidLine]:
    """Yield the lines that have a place.

    Their boxes are of whole lines, because those of single words may be as high as their own letters: "was" is lower
    than "by".
    """
    line: LaidLine | None = None
    end = -1
    for word in words:
        place = _place(word)
        if place is None:
            continue
        page, box = place
        if line is not None and page == line.page and word.start < end:
            line = LaidLine(line.start, line.box.union(box), line.first_word, page)
            continue
        if line is not None:
            yield line
        line = LaidLine(word.start, box, box, page)
        end = (text.find("\n", word.start) + 1 or len(text) + 1) - 1
    if line is not None:
        yield line


def _place(word: Word) -> tuple[int | None, Box] | None:
    match word.place:
        case AtRegion(parts=parts):
            return None, parts[0]
        case AtPage(parts=page_parts):
            return page_parts[0].page, page_parts[0].box
        case AtTrack(keyframes=keyframes):
            return None, keyframes[0].parts[0]
        case _:
            return None
