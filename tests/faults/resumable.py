"""A job of many steps: a document of drawn pages, each of which the text reader must look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy

from reamo_mcp.extractor import Extractor
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.profiles import remembering
from reamo_mcp.models.roles import Answer, Found, Line, ModelCard, ReadWord
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.grounding import Box
from tests.doubles.scripted_roles import ScriptedTextExtractor
from tests.hostile.documents import pdf

_WIDE = 120


def drawn_pages(count: int) -> bytes:
    """Return a PDF whose pages hold no text, and each another bar."""
    kids = b" ".join(b"%d 0 R" % (3 + 2 * number) for number in range(count))
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[%b]/Count %d>>" % (kids, count)]
    for number in range(count):
        drawing = b"0 0 %d 40 re f" % (number + 1)
        objects.append(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d 60]/Contents %d 0 R>>" % (_WIDE, 4 + 2 * number))
        objects.append(b"<</Length %d>>stream\n%b\nendstream" % (len(drawing), drawing))
    return pdf(objects)


@dataclass
class BarReader:
    """Reads a page as the name that belongs to the length of its bar. ``before`` is told each page; it may raise."""

    before: Callable[[int], None] = lambda _: None
    pages: list[int] = field(default_factory=list[int])

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="text_reader", name="bars", revision="1")

    def read(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Line]]:
        return [Found((self._line(picture),)) for picture in pictures]

    def _line(self, picture: Picture) -> Line:
        dark = (picture.pixels[-10, :, 0] < 128).sum()
        page = int(numpy.rint(dark * _WIDE / picture.pixels.shape[1]))
        self.before(page)
        self.pages.append(page)
        name, box = f"Alice {page}", Box(x=1, y=1, width=50, height=10)
        return Line(text=name, box=box, words=(ReadWord(start=0, end=len(name), box=box),), confidence=0.9)


def extractor(folder: Path, reader: BarReader, cache_bytes: int = 1 << 30) -> Extractor:
    """Return an extractor with the real store and this reader."""
    settings = Settings(cache=folder, cache_bytes=cache_bytes)
    store = Store(folder, cache_bytes)
    engine = Engine(profile="scripted", text_extractor=ScriptedTextExtractor({"Alice": "person"}), text_reader=reader)
    return Extractor(remembering(engine, store.readings), LocalDecoder(Limits()), store, settings)
