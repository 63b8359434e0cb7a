"""Where a mention stands in a text medium or in the text of a document."""

from reamo_mcp.grounding.slices import Slice
from reamo_mcp.grounding.words import joined_page_lines
from reamo_mcp.types.grounding import PageBox, TextSpan
from reamo_mcp.types.media import Medium
from reamo_mcp.types.reading import AtPage


def locate_in_text(slice_: Slice, medium: Medium) -> TextSpan:
    """Return the span of characters: of the medium itself for a text, of the reading (``via``) for a document.

    In a paged document ``parts`` are the boxes on the pages, one per line; flowing text has none.
    """
    boxes = [
        PageBox(page=part.page, box=slice_.cut(word, part.box, len(at.parts)))
        for word, at in slice_.places(AtPage)
        for part in at.parts
    ]
    return TextSpan(
        id="",
        media_id=slice_.mention.media_id,
        quote=slice_.quote,
        via=None if medium.kind == "text" else slice_.via,
        score=slice_.score,
        score_kind=slice_.score_kind,
        provenance=slice_.mention.provenance,
        start=slice_.start,
        end=slice_.end,
        parts=joined_page_lines(boxes),
    )
