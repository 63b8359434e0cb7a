"""The proof in words: what stands around a quote, and where."""

from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.grounding import Grounding, TextSpan
from reamo_mcp.types.record import Record


class Quoted(Record):
    """A quote and the characters of its source before and after it; all empty for a place without words."""

    before: str = ""
    quote: str = ""
    after: str = ""


def quoted(place: Grounding, extraction: Extraction, around: int) -> Quoted:
    """Return what a place quotes with up to ``around`` characters on each side, cut at words where one is near."""
    text, start, end = _source(place, extraction)
    if start >= end:
        return Quoted(quote=place.quote or "")
    before, after = text[max(0, start - around) : start], text[end : end + around]
    if start > around:
        before = before.partition(" ")[2] if " " in before else before
    if end + around < len(text):
        after = after.rpartition(" ")[0] if " " in after else after
    return Quoted(before=before, quote=text[start:end], after=after)


def _source(place: Grounding, extraction: Extraction) -> tuple[str, int, int]:
    if place.via is not None:
        said = {reading.id: reading.text for reading in extraction.readings}
        return said.get(place.via.reading, ""), place.via.start, place.via.end
    medium = extraction.document.medium(place.media_id)
    if isinstance(place, TextSpan) and medium is not None and medium.kind == "text":
        return medium.text, place.start, place.end
    return "", 0, 0
