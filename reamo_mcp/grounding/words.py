"""The words under a slice of a reading, and the boxes they fill, line by line."""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from reamo_mcp.types.grounding import Box, PageBox
from reamo_mcp.types.reading import Word

_SAME_LINE = 0.5  # least vertical overlap, as a share of the lower box
_WIDEST_GAP = 1.5  # between words of one line, in line heights; a wider one is a gap between columns


def words_under(words: Sequence[Word], start: int, end: int) -> tuple[Word, ...]:
    """Return the words that share characters with ``[start, end)``. ``words`` stand in the order of their starts."""
    first = bisect_right(words, start, key=lambda word: word.start)
    while first > 0 and words[first - 1].end > start:
        first -= 1
    under: list[Word] = []
    for index in range(first, len(words)):
        if words[index].start >= end:
            break
        if words[index].end > start:
            under.append(words[index])
    return tuple(under)


def share_of_box(box: Box, text: str, word: Word, start: int, end: int) -> Box:
    """Return the part of a word's box that the slice ``[start, end)`` of the reading's text fills.

    A word as the reader gave it may hold more than the mention: a comma, a possessive, a whole line. Its box is then
    cut in proportion to the characters, from the right for scripts that run to the left; the true widths of letters
    are not known. Upright boxes (higher than wide by half) are cut from the top. At least one character is kept.
    """
    length = word.end - word.start
    from_start = max(start, word.start) - word.start
    to_end = word.end - min(end, word.end)
    if length <= 0 or (from_start == 0 and to_end == 0) or from_start + to_end >= length:
        return box
    if box.height > 1.5 * box.width:
        cut = box.height / length
        return Box(
            x=box.x, y=box.y + cut * from_start, width=box.width, height=box.height - cut * (from_start + to_end)
        )
    if _runs_left(text[word.start : word.end]):
        from_start, to_end = to_end, from_start
    cut = box.width / length
    return Box(x=box.x + cut * from_start, y=box.y, width=box.width - cut * (from_start + to_end), height=box.height)


def _runs_left(text: str) -> bool:
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def joined_lines(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """Return one box per line for boxes of words that follow one another in a text, in their order.

    Neighbours are joined if they stand on one line and nearly touch; so a name that wraps, or that goes on in the
    next column, stays several boxes, and nothing foreign lies inside any of them.
    """
    lines: list[Box] = []
    for box in boxes:
        if lines and _continue_one_line(lines[-1], box):
            lines[-1] = lines[-1].union(box)
        else:
            lines.append(box)
    return tuple(lines)


def _continue_one_line(left: Box, right: Box) -> bool:
    shared = min(left.bottom, right.bottom) - max(left.y, right.y)
    low = min(left.height, right.height)
    if shared < _SAME_LINE * low or (low == 0 and shared < 0):
        return False
    gap = max(right.x - left.right, left.x - right.right)
    return gap <= _WIDEST_GAP * max(left.height, right.height)


def joined_page_lines(boxes: Iterable[PageBox]) -> tuple[PageBox, ...]:
    """Return one box per line and page, as `joined_lines` does within each page."""
    pages: list[tuple[int, list[Box]]] = []
    for part in boxes:
        if not pages or pages[-1][0] != part.page:
            pages.append((part.page, []))
        pages[-1][1].append(part.box)
    return tuple(PageBox(page=page, box=box) for page, own in pages for box in joined_lines(own))
