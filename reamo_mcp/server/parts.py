"""Read the `part` argument: 'pages 3-9', 'page 4', '00:10-02:00', '90-120.5'."""

import re

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.types.media import Part

_PAGES = re.compile(r"p(?:ages?|p?\.)?\s*([0-9]{1,7})(?:\s*[-–]\s*([0-9]{1,7}))?", re.IGNORECASE)
_CLOCK = r"(?:(?:([0-9]{1,3}):)?([0-9]{1,3}):)?([0-9]{1,6}(?:\.[0-9]{1,6})?)"
_SECONDS = re.compile(rf"{_CLOCK}\s*s?\s*[-–]\s*{_CLOCK}\s*s?")
_HINT = "Write pages as 'pages 3-9' or 'page 4', time as '00:10-02:00' or in seconds as '90-120.5'"


def parse_part(text: str) -> Part:
    """Return the stretch that the text names; an empty text is the whole file. Raises InvalidArgument."""
    written = text.strip()
    if not written:
        return Part()
    if pages := _PAGES.fullmatch(written):
        first, last = int(pages[1]), int(pages[2] or pages[1])
        if not 1 <= first <= last:
            raise InvalidArgument(f"part {written!r} names no page", f"Pages count from 1. {_HINT}")
        return Part(pages=(first, last))
    if clock := _SECONDS.fullmatch(written):
        start, end = _seconds(clock[1], clock[2], clock[3]), _seconds(clock[4], clock[5], clock[6])
        if end <= start:
            raise InvalidArgument(f"part {written!r} ends before it starts", _HINT)
        return Part(seconds=(start, end))
    raise InvalidArgument(f"part {written!r} is not understood", _HINT)


def _seconds(hours: str | None, minutes: str | None, seconds: str) -> float:
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)
