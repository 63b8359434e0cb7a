"""The order in which a person reads lines: columns one after the other, each from top to bottom.

A recursive cut along white space (Nagy and Seth, "Hierarchical representation of optically scanned documents", 1984),
with one addition: side by side stand columns only if they look like running text, otherwise rows of a table.
"""

from collections.abc import Sequence
from statistics import median

from reamo_mcp.models.roles import Line, ReadWord

_COLUMN_LINES = 3  # as many lines on each side make a column
_ALIGNED = 0.3  # of the line height: centres closer than this stand in one row
_MOST_BANDS = 150  # windows of bands are tried two by two; a denser page is read row by row
_JOINED_GAP = 1.0  # of the line height: pieces of one row closer than this are one line


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """Return the lines in reading order; pieces of one printed line are joined.

    Limit: lines that run from top to bottom (vertical Chinese or Japanese) are ordered like any others, from left to
    right, although they are read from right to left.
    """
    return _joined(_order(list(lines)))


def _order(lines: list[Line]) -> list[Line]:
    if len(lines) < 2:
        return lines
    columns = _columns(lines)
    if columns:
        return [line for column in columns for line in _order(column)]
    parts = _bands(lines)
    if parts:
        return [line for part in parts for line in _order(part)]
    return _rows(lines)


def _columns(lines: list[Line]) -> tuple[list[Line], list[Line]] | None:
    """Split at the widest gap that runs through all lines from top to bottom, None if there is no such gap."""
    by_left = sorted(lines, key=lambda line: line.box.x)
    best: tuple[float, int] | None = None
    reach = by_left[0].box.right
    for index, line in enumerate(by_left[1:], 1):
        gap = line.box.x - reach
        if gap > 0 and (best is None or gap > best[0]):
            best = (gap, index)
        reach = max(reach, line.box.right)
    if best is None or best[0] < 0.5 * median(line.box.height for line in lines):
        return None
    left, right = by_left[: best[1]], by_left[best[1] :]
    return (left, right) if _are_columns(left, right) else None


def _are_columns(left: list[Line], right: list[Line]) -> bool:
    shared = min(_bottom(left), _bottom(right)) - max(_top(left), _top(right))
    if shared <= 0 or min(len(left), len(right)) < _COLUMN_LINES:
        return False
    running = all(median(line.box.width / max(1.0, line.box.height) for line in side) >= 8 for side in (left, right))
    fewer, more = sorted((left, right), key=len)
    aligned = sum(any(_in_row(line, other) for other in more) for line in fewer)
    return running or aligned < len(fewer) / 2


def _bands(lines: list[Line]) -> list[list[Line]] | None:
    """Cut out the largest block of columns between wider lines above and below it, None if there is none."""
    bands = _whole_bands(lines)
    if len(bands) > _MOST_BANDS or all(len(band) == 1 for band in bands):
        return None
    best: tuple[int, int] | None = None
    for start in range(len(bands)):
        for end in range(len(bands), start, -1):
            if best and end - start <= best[1] - best[0]:
                break
            if _columns([line for band in bands[start:end] for line in band]):
                best = (start, end)
    if best is None:
        return None
    parts = [bands[: best[0]], bands[best[0] : best[1]], bands[best[1] :]]
    return [[line for band in part for line in band] for part in parts if part]


def _whole_bands(lines: list[Line]) -> list[list[Line]]:
    """Split wherever a horizontal cut meets no line (descenders may reach a fifth into the next)."""
    bands: list[list[Line]] = []
    reach = 0.0
    for line in sorted(lines, key=lambda line: line.box.y):
        if bands and line.box.y + 0.2 * line.box.height < reach:
            bands[-1].append(line)
        else:
            bands.append([line])
        reach = max(reach, line.box.bottom)
    return bands


def _rows(lines: list[Line]) -> list[Line]:
    """Order by rows from top to bottom, each from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.box.y + line.box.height / 2):
        if rows and _in_row(rows[-1][-1], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.box.x)]


def _in_row(one: Line, other: Line) -> bool:
    distance = abs(one.box.y + one.box.height / 2 - other.box.y - other.box.height / 2)
    return distance <= _ALIGNED * max(one.box.height, other.box.height)


def _joined(lines: list[Line]) -> list[Line]:
    joined: list[Line] = []
    for line in lines:
        if joined and _continues(joined[-1], line):
            joined[-1] = _join(joined[-1], line)
        else:
            joined.append(line)
    return joined


def _continues(one: Line, other: Line) -> bool:
    low, high = sorted((one.box.height, other.box.height))
    gap = other.box.x - one.box.right
    return _in_row(one, other) and low >= 0.6 * high and -0.3 * high <= gap <= _JOINED_GAP * high


def _join(one: Line, other: Line) -> Line:
    shift = len(one.text) + 1
    words = [ReadWord(start=word.start + shift, end=word.end + shift, box=word.box) for word in other.words]
    weight = len(one.text) / (len(one.text) + len(other.text))
    return Line(
        text=f"{one.text} {other.text}",
        box=one.box.union(other.box),
        words=(*one.words, *words),
        confidence=weight * one.confidence + (1 - weight) * other.confidence,
    )


def _top(lines: list[Line]) -> float:
    return min(line.box.y for line in lines)


def _bottom(lines: list[Line]) -> float:
    return max(line.box.bottom for line in lines)
