"""What a person sees of a page, judged by its pixels: text may be painted white, under a picture, or not at all."""

from typing import TYPE_CHECKING

from reamo_mcp.media.pdfium import INVISIBLE, Ink, PageUnreadable, PdfPage, Rectangle
from reamo_mcp.types.grounding import Box

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_LONGEST_SIDE = 2000  # pixels of the picture that visibility is judged by
_LEAST_CONTRAST = 24  # of 255, in any colour
_TINY = 0.7  # points; a full stop of ordinary text is about one point wide and high
_FRAME = 2  # pixels around a word that show its background
_SCAN = 0.6  # share of a page that a picture covers when the page is a scan
_BIG_PICTURE = 0.08
_MOST_IMAGES = 200
_FEW = 5


class PageSight:
    """Looks at one page; draws it once, when first asked."""

    def __init__(self, page: PdfPage) -> None:
        self._page = page
        self._images = page.images(_MOST_IMAGES)
        self._scale = min(1.0, _LONGEST_SIDE / max(page.width, page.height, 1.0))
        self._pixels: NDArray[numpy.uint8] | None = None
        self._blind = False

    def shows(self, text: str, ink_box: Rectangle, ink: Ink) -> bool:
        """Return whether a word of this ink can be seen: it contrasts with what lies around it.

        Text of render mode 3 is seen only as part of a scan, whose characters it repeats.
        """
        on_page = ink_box.clipped(self._page.bounds)
        if on_page.area < 0.5 * ink_box.area or (on_page.area == 0 and ink_box.area > 0):
            return False
        if ink_box.bottom - ink_box.top < _TINY and (ink_box.right - ink_box.left < 5 * _TINY or len(text) > 2):
            return False
        unpainted = ink.mode == INVISIBLE or (ink.colour is not None and ink.colour[3] < 16)
        if unpainted and not self._is_scan(ink_box):
            return False
        region = self._region(on_page)
        if region is None or region.size == 0:
            return True  # a page that cannot be drawn: nothing is known against the word
        import numpy

        contrast = (region.max(axis=(0, 1)) - region.min(axis=(0, 1))).max()
        if contrast < _LEAST_CONTRAST:
            return False
        if unpainted or ink.colour is None or ink.mode != 0:
            return True
        background = numpy.median(_frame_of(region), axis=0)
        return bool(numpy.abs(background - numpy.array(ink.colour[:3])).max() >= _LEAST_CONTRAST)

    def holds_more_than(self, seen: list[Box]) -> bool:
        """Return whether the page's picture may hold text beside these words: a scan, a big picture, drawn letters."""
        area = self._page.bounds.area
        for image in self._images:
            if image.area >= _BIG_PICTURE * area and not self._is_covered(image, seen):
                return True
        if seen:
            return False
        pixels = self._drawn()
        return pixels is not None and int(pixels.max()) - int(pixels.min()) >= _LEAST_CONTRAST

    def _is_scan(self, box: Rectangle) -> bool:
        area = self._page.bounds.area
        return any(image.area >= _SCAN * area and image.clipped(box).area >= 0.5 * box.area for image in self._images)

    def _is_covered(self, image: Rectangle, seen: list[Box]) -> bool:
        """Return whether the words within a picture already are what it says."""
        inside = [
            box
            for box in seen
            if image.left <= box.x + box.width / 2 <= image.right
            and image.top <= box.y + box.height / 2 <= image.bottom
        ]
        return len(inside) >= _FEW and image.area >= _SCAN * self._page.bounds.area

    def _region(self, box: Rectangle) -> "NDArray[numpy.uint8] | None":
        pixels = self._drawn()
        if pixels is None:
            return None
        left, top = int(box.left * self._scale), int(box.top * self._scale)
        right, bottom = int(box.right * self._scale) + 1, int(box.bottom * self._scale) + 1
        return pixels[max(0, top - _FRAME) : bottom + _FRAME, max(0, left - _FRAME) : right + _FRAME]

    def _drawn(self) -> "NDArray[numpy.uint8] | None":
        if self._pixels is None and not self._blind:
            try:
                self._pixels = self._page.pixels(self._scale)
            except PageUnreadable:
                self._blind = True
        return self._pixels


def _frame_of(region: "NDArray[numpy.uint8]") -> "NDArray[numpy.uint8]":
    """Return the pixels along the four sides of a region."""
    import numpy

    sides = (region[:_FRAME], region[-_FRAME:], region[:, :_FRAME], region[:, -_FRAME:])
    return numpy.concatenate([side.reshape(-1, 3) for side in sides])
