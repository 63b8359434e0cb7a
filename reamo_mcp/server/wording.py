"""Places, media and coverage in short words, with everything that came from a file made harmless to show."""

import unicodedata
from collections.abc import Iterable

from reamo_mcp.types.coverage import MediumCoverage
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.grounding import Box, Grounding
from reamo_mcp.types.media import Medium

_LONGEST_QUOTE = 90
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_JOINERS = "\u200c\u200d"  # letters of several scripts and emoji are spelled with them; they can hide nothing


def shown(text: str, most: int = 300) -> str:
    """Return the text with control, bidi and invisible characters escaped, cut to ``most`` and saying so."""
    kept = text if len(text) <= most else text[:most]
    if not kept.isprintable():
        kept = "".join(_escaped(sign) for sign in kept)
    return kept if len(text) <= most else f"{kept}… ({len(text)} characters)"


def _escaped(sign: str) -> str:
    if unicodedata.category(sign) not in _HIDDEN or sign in _JOINERS:
        return sign
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(sign) or (
        f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
    )


def place(grounding: Grounding, own_text: str = "") -> str:
    """Return one line: the id, where it is, and the quote unless it is just the item's own text."""
    where = f"{grounding.id} {grounding.media_id}{_where(grounding)}"
    if grounding.quote is None or grounding.quote == own_text:
        return where
    return f'{where} "{shown(grounding.quote, _LONGEST_QUOTE)}"'


def _where(grounding: Grounding) -> str:
    match grounding.kind:
        case "text_span":
            pages = sorted({part.page for part in grounding.parts})
            return f"{_pages(pages)}[{grounding.start}:{grounding.end}]"
        case "image_region":
            page = "" if grounding.page is None else _pages([grounding.page])
            return f"{page} {_boxes(grounding.parts)}"
        case "audio_segment" | "video_segment":
            return f" {clock(grounding.start)}-{clock(grounding.end)}"
        case "video_track":
            first = grounding.keyframes[0]
            return f" {clock(grounding.start)}-{clock(grounding.end)} at {clock(first.time)} {_boxes(first.parts)}"
        case "whole":
            return " whole"


def _pages(pages: list[int]) -> str:
    if not pages:
        return ""
    return f" p{pages[0]} " if len(pages) == 1 else f" p{pages[0]}-{pages[-1]} "


def _boxes(parts: Iterable[Box]) -> str:
    boxes = [f"({box.x:.0f},{box.y:.0f},{box.width:.0f},{box.height:.0f})" for box in parts]
    return "+".join(boxes[:3]) + (f"+{len(boxes) - 3} more" if len(boxes) > 3 else "")


def clock(seconds: float) -> str:
    """Return seconds as hours, minutes and seconds with hundredths."""
    hundredths = round(seconds * 100)
    minutes, rest = divmod(hundredths, 6000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest / 100:05.2f}"


def medium_line(medium: Medium) -> str:
    """Return the id, the kind, the name and the size of a medium."""
    match medium.kind:
        case "text":
            size = f"{len(medium.text)} characters"
        case "image":
            size = f"{medium.width}x{medium.height}"
        case "audio":
            size = clock(medium.duration)
        case "video":
            size = f"{medium.width}x{medium.height} {clock(medium.duration)}"
        case "document":
            pages = "1 page" if medium.pages == 1 else f"{medium.pages} pages"
            size = pages if medium.pages else medium.format
    return f"{medium.id} {medium.kind} {shown(medium.name, 60)} {size}"


def coverage_lines(extraction: Extraction) -> list[str]:
    """Return one line per failed file, per thing that the engine cannot do, and per reading; the gaps come first."""
    failed = [f"{shown(one.name, 120)}: [{one.code}] {shown(one.message)}" for one in extraction.coverage.failed]
    gaps = [_coverage(part) for part in extraction.coverage.media if part.not_read]
    unsupported = [
        f"{ask.media_id or 'all'}: {ask.what} not supported: {shown(ask.reason, 200)}"
        for ask in extraction.coverage.unsupported
    ]
    notices = [
        f"{notice.media_id or 'all'}: {shown(notice.message, 200)} ({notice.code})" for notice in extraction.warnings
    ]
    complete = [_coverage(part) for part in extraction.coverage.media if not part.not_read]
    return [*failed, *gaps, *unsupported, *notices, *complete]


def _coverage(part: MediumCoverage) -> str:
    line = f"{part.media_id} {part.reader}: {_number(part.read)} of {_number(part.total)} {part.unit}"
    gaps = [f"{_number(gap.start)}-{_number(gap.end)} {gap.unit}: {shown(gap.reason, 80)}" for gap in part.not_read[:3]]
    if len(part.not_read) > 3:
        gaps.append(f"{len(part.not_read) - 3} more gaps")
    return f"{line}; not read: {'; '.join(gaps)}" if gaps else line


def _number(value: float) -> str:
    """Return a number as people read it: 1,080,000 and 12.5."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")
