"""Where the words of a mention stand in a picture, or on a page that was read as a picture."""

from collections.abc import Sequence

from reamo_mcp.grounding.rejection import Rejection
from reamo_mcp.grounding.slices import Slice
from reamo_mcp.grounding.words import joined_lines
from reamo_mcp.types.candidate import CandidateMention
from reamo_mcp.types.grounding import Box, ImageRegion
from reamo_mcp.types.reading import AtPage, AtRegion


def locate_in_picture(slice_: Slice) -> ImageRegion | Rejection:
    """Return the boxes of the words, one per line."""
    boxes = [slice_.cut(word, box, len(at.parts)) for word, at in slice_.places(AtRegion) for box in at.parts]
    if not boxes:
        return Rejection("the words have no place in the picture")
    return _region(slice_, boxes, None)


def locate_on_picture_of_page(slice_: Slice, page: int) -> ImageRegion | Rejection:
    """Return the boxes of words that were recognised in the picture of one page, in points of that page."""
    boxes = [
        slice_.cut(word, part.box, len(at.parts))
        for word, at in slice_.places(AtPage)
        for part in at.parts
        if part.page == page
    ]
    if not boxes:
        return Rejection("the words have no place on the page")
    return _region(slice_, boxes, page)


def locate_sighting_in_picture(mention: CandidateMention, at: AtRegion) -> ImageRegion:
    """Return the region in which something was seen without words, such as a face."""
    return ImageRegion(
        id="",
        media_id=mention.media_id,
        quote=mention.quote or None,
        score=mention.score,
        score_kind=mention.score_kind,
        provenance=mention.provenance,
        parts=at.parts,
        mask=at.mask,
    )


def locate_sighting_on_page(mention: CandidateMention, at: AtPage) -> ImageRegion:
    """Return the region of the first page on which something was seen without words, such as a barcode."""
    page = at.parts[0].page
    return ImageRegion(
        id="",
        media_id=mention.media_id,
        quote=mention.quote or None,
        score=mention.score,
        score_kind=mention.score_kind,
        provenance=mention.provenance,
        parts=tuple(part.box for part in at.parts if part.page == page),
        page=page,
    )


def _region(slice_: Slice, boxes: Sequence[Box], page: int | None) -> ImageRegion:
    return ImageRegion(
        id="",
        media_id=slice_.mention.media_id,
        quote=slice_.quote,
        via=slice_.via,
        score=slice_.score,
        score_kind=slice_.score_kind,
        provenance=slice_.mention.provenance,
        parts=joined_lines(boxes),
        page=page,
    )
