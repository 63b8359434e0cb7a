"""pdfium with types: opening, pages, characters, images and pixels, in points of the upright page.

pdfium is not safe for threads: whoever has several lets one in at a time.
"""

# pypdfium2 ships no types, and its raw part is generated from C headers: what comes out of it is typed here.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

import ctypes
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from typing import TYPE_CHECKING, Any

import pypdfium2
import pypdfium2.raw as raw

from reamo_mcp.errors import CorruptMedia, EncryptedMedia
from reamo_mcp.media.decoded import OpenFile
from reamo_mcp.media.stream import FileStream

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

INVISIBLE, STROKE = 3, 1
_BUFFER = 1 << 16


class PageUnreadable(Exception):
    """A page that pdfium cannot load or draw."""


@dataclass(frozen=True)
class Rectangle:
    """Left, top, right and bottom in points of the upright page."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Width times height."""
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)

    def union(self, other: "Rectangle") -> "Rectangle":
        """Return the smallest rectangle around both."""
        return Rectangle(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def clipped(self, other: "Rectangle") -> "Rectangle":
        """Return the part inside the other; its area is 0 if there is none."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        return Rectangle(left, top, max(left, min(self.right, other.right)), max(top, min(self.bottom, other.bottom)))


@dataclass(frozen=True)
class Ink:
    """How a character is painted: its fill colour (red, green, blue, opacity) and the text render mode of PDF."""

    colour: tuple[int, int, int, int] | None
    mode: int


class PdfPage:
    """One loaded page."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._text = page.get_textpage()
        media, crop = page.get_mediabox(), page.get_cropbox()
        self._left, self._bottom = max(media[0], crop[0]), max(media[1], crop[1])
        self._right, self._top = min(media[2], crop[2]), min(media[3], crop[3])
        if self._right <= self._left or self._top <= self._bottom:
            self._left, self._bottom, self._right, self._top = media
        self._rotation: int = page.get_rotation()
        wide, high = self._right - self._left, self._top - self._bottom
        self.width, self.height = (high, wide) if self._rotation in (90, 270) else (wide, high)

    @property
    def bounds(self) -> Rectangle:
        """The whole upright page."""
        return Rectangle(0.0, 0.0, self.width, self.height)

    def count(self) -> int:
        """Return the number of code units of the text layer."""
        return max(0, int(self._text.count_chars()))

    def unit(self, index: int) -> int:
        """Return a UTF-16 code unit; 2 stands for a hyphen at which a word is divided between two lines."""
        return int(raw.FPDFText_GetUnicode(self._text, index))

    def is_generated(self, index: int) -> bool:
        """Return whether pdfium put this character between others: it is nowhere on the page."""
        return raw.FPDFText_IsGenerated(self._text, index) == 1

    def ink_box(self, index: int) -> Rectangle | None:
        """Return the box of a character's shape."""
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))
        if not raw.FPDFText_GetCharBox(self._text, index, left, right, bottom, top):
            return None
        return self._upright(left.value, bottom.value, right.value, top.value)

    def line_box(self, index: int) -> Rectangle | None:
        """Return the box of a character from its font's descent to its ascent."""
        box = raw.FS_RECTF()
        if not raw.FPDFText_GetLooseCharBox(self._text, index, box):
            return None
        return self._upright(box.left, box.bottom, box.right, box.top)

    def ink(self, index: int) -> Ink:
        """Return how a character is painted."""
        red, green, blue, opacity = (ctypes.c_uint() for _ in range(4))
        coloured = raw.FPDFText_GetFillColor(self._text, index, red, green, blue, opacity)
        text_object = raw.FPDFText_GetTextObject(self._text, index)
        mode = raw.FPDFTextObj_GetTextRenderMode(text_object) if text_object else 0
        return Ink((red.value, green.value, blue.value, opacity.value) if coloured else None, int(mode))

    def images(self, most: int) -> list[Rectangle]:
        """Return where the first pictures of the page are."""
        found: list[Rectangle] = []
        for item in self._page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3):
            try:
                left, bottom, right, top = item.get_bounds()
            except pypdfium2.PdfiumError:
                continue
            if item.level == 0:  # those inside forms are placed in the form's own space
                found.append(self._upright(left, bottom, right, top).clipped(self.bounds))
            if len(found) >= most:
                break
        return found

    def pixels(self, scale: float) -> "NDArray[numpy.uint8]":
        """Return the upright page on white, of shape (height, width, 3). Raises PageUnreadable."""
        import numpy

        try:
            bitmap = self._page.render(scale=scale, may_draw_forms=False, rev_byteorder=True)
        except (pypdfium2.PdfiumError, ValueError, MemoryError) as error:
            raise PageUnreadable(type(error).__name__) from None
        pixels = numpy.array(bitmap.to_numpy()[:, :, :3])
        bitmap.close()
        if pixels.shape[2] != 3:
            raise PageUnreadable("an unexpected form of pixels")
        return pixels

    def close(self) -> None:
        """Free the page."""
        self._text.close()
        self._page.close()

    def _upright(self, left: float, bottom: float, right: float, top: float) -> Rectangle:
        left, right = sorted((left, right))
        bottom, top = sorted((bottom, top))
        match self._rotation:
            case 90:
                return Rectangle(bottom - self._bottom, left - self._left, top - self._bottom, right - self._left)
            case 180:
                return Rectangle(self._right - right, bottom - self._bottom, self._right - left, top - self._bottom)
            case 270:
                return Rectangle(self._top - top, self._right - right, self._top - bottom, self._right - left)
            case _:
                return Rectangle(left - self._left, self._top - top, right - self._left, self._top - bottom)


class PdfFile:
    """An opened PDF."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self.pages = len(document)  # as the file claims

    def metadata(self) -> dict[str, str]:
        """Return the fields of the document's information dictionary that are set."""
        return dict(self._document.get_metadata_dict(skip_empty=True))

    @contextmanager
    def page(self, number: int) -> Generator[PdfPage]:
        """Load a page (from 1) and free it when the context ends. Raises PageUnreadable."""
        try:
            page = PdfPage(self._document[number - 1])
        except (pypdfium2.PdfiumError, IndexError) as error:
            raise PageUnreadable(type(error).__name__) from None
        try:
            if not (page.width > 0 and page.height > 0):
                raise PageUnreadable("a page without an area")
            yield page
        finally:
            page.close()


@contextmanager
def opened_pdf(file: OpenFile) -> Generator[PdfFile]:
    """Open a PDF without running anything in it. Raises EncryptedMedia, CorruptMedia."""
    with BufferedReader(FileStream(file.fd), _BUFFER) as stream:
        try:
            document = pypdfium2.PdfDocument(stream)
        except pypdfium2.PdfiumError:
            if raw.FPDF_GetLastError() in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
                raise EncryptedMedia(
                    f"{file.name} asks for a password", "Save it without a password and try again"
                ) from None
            raise CorruptMedia(f"{file.name} is damaged and cannot be read", "Take an undamaged copy") from None
        try:
            yield PdfFile(document)
        finally:
            document.close()
