"""PDF pages: their text with the place of each word, what of it can be seen, and their picture."""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from reamo_mcp.errors import CorruptMedia, InvalidArgument
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Description, OpenFile, Outcome, Page, PageWord, Picture, StreamEnd
from reamo_mcp.media.page_sight import PageSight
from reamo_mcp.media.pdfium import PageUnreadable, PdfFile, PdfPage, Rectangle, opened_pdf
from reamo_mcp.settings import Limits
from reamo_mcp.types.coverage import NotRead
from reamo_mcp.types.extraction import Notice
from reamo_mcp.types.grounding import Box
from reamo_mcp.types.media import PageSize
from reamo_mcp.types.reading import Fact

_DIVIDING_HYPHEN = 2
_REPLACEMENT = "\ufffd"
_MOST_UNITS = 200_000  # of one page
_LONGEST_FACT = 1000
_FACTS = {
    "Title": ("title", None),
    "Author": ("author", "person"),
    "Subject": ("subject", None),
    "Keywords": ("keywords", None),
    "CreationDate": ("created", "date"),
    "ModDate": ("modified", "date"),
}
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)(\d\d)?)?(Z|[+-]\d\d)?'?(\d\d)?")


def describe_document(file: OpenFile) -> Description:
    """Return the number of pages that a PDF claims, and its facts. Raises EncryptedMedia, CorruptMedia."""
    with opened_pdf(file) as pdf:
        if pdf.pages == 0:
            raise CorruptMedia(f"{file.name} has no pages", "Take an undamaged copy")
        return Description("document", file.format, pages=pdf.pages, facts=tuple(_facts(pdf)))


def load_pages(
    file: OpenFile, wanted: tuple[int, int] | None, limits: Limits, outcome: Outcome, control: Control
) -> Generator[Page, None, None]:
    """Yield the wanted pages (from 1, both ends included), and tell in the outcome which could not be read.

    Offsets of words count in the text of their own page. Text that nobody would see (invisible, of the colour of
    its background, covered, tiny, off the page) is kept and marked.
    """
    with opened_pdf(file) as pdf:
        first, last = wanted or (1, pdf.pages)
        if first > pdf.pages or first < 1 or last < first:
            raise InvalidArgument(f"{file.name} has no pages {first} to {last}", f"It has pages 1 to {pdf.pages}")
        last = min(last, pdf.pages)
        cut = min(last, first + limits.most_pages - 1)
        read, hidden = 0, 0
        missed: list[NotRead] = []
        for number in range(first, cut + 1):
            control.check()
            control.progress(number - first, cut + 1 - first, "pages")
            try:
                with pdf.page(number) as loaded:
                    page = _read_page(loaded, number, control)
            except PageUnreadable:
                missed.append(NotRead(unit="pages", start=number, end=number + 1, reason="the page is damaged"))
                continue
            read += 1
            hidden += sum(word.end - word.start for word in page.words if not word.visible)
            yield page
        if cut < last:
            reason = f"more than {limits.most_pages} pages (REAMO_MOST_PAGES)"
            missed.append(NotRead(unit="pages", start=cut + 1, end=last + 1, reason=reason))
        notices = ()
        if hidden:
            notices = (Notice(code="hidden_text", message=f"{hidden} characters are hidden from its readers"),)
        outcome.end = StreamEnd(read, _joined(missed), notices)


def render_page(file: OpenFile, number: int, longest_side: int) -> Picture:
    """Return one upright page so that its longer side has ``longest_side`` pixels. Raises CorruptMedia."""
    with opened_pdf(file) as pdf:
        try:
            with pdf.page(number) as page:
                scale = longest_side / max(page.width, page.height)
                pixels = page.pixels(scale)
                return Picture(pixels, scale, page.width, page.height)
        except PageUnreadable:
            raise CorruptMedia(f"page {number} of {file.name} cannot be drawn", "Take an undamaged copy") from None


@dataclass
class _Word:
    """A word in the making: where it stands in the text, its ink, and the character that tells how it is painted."""

    start: int
    index: int
    box: Rectangle | None = None
    end: int = 0


@dataclass
class _PageText:
    """The text of a page in the making."""

    parts: list[str] = field(default_factory=list[str])
    length: int = 0
    words: list[_Word] = field(default_factory=list[_Word])
    current: _Word | None = None

    def add(self, character: str, index: int, box: Rectangle | None) -> None:
        if character.isspace():
            self.end_word()
        elif self.current is None:
            self.current = _Word(self.length, index, box)
        elif box is not None:
            self.current.box = box if self.current.box is None else self.current.box.union(box)
        self.parts.append(character)
        self.length += len(character)

    def end_word(self) -> None:
        if self.current is not None:
            self.current.end = self.length
            self.words.append(self.current)
            self.current = None


def _read_page(page: PdfPage, number: int, control: Control) -> Page:
    gathered = _gather(page, control)
    text = "".join(gathered.parts)
    sight = PageSight(page)
    words: list[PageWord] = []
    for word in gathered.words:
        if word.box is None:
            continue
        box = _between_ink_and_line(page, word.index, word.box)
        visible = sight.shows(text[word.start : word.end], word.box, page.ink(word.index))
        place = Box(x=box.left, y=box.top, width=box.right - box.left, height=box.bottom - box.top)
        words.append(PageWord(word.start, word.end, place, visible))
    seen = [word.box for word in words if word.visible]
    return Page(
        number=number,
        size=PageSize(width=page.width, height=page.height),
        text=text,
        words=tuple(words),
        needs_recognition=sight.holds_more_than(seen),
    )


def _gather(page: PdfPage, control: Control) -> _PageText:
    gathered = _PageText()
    index, count = 0, min(page.count(), _MOST_UNITS)
    while index < count:
        if index % 2000 == 0:
            control.check()
        unit, at = page.unit(index), index
        index += 1
        if unit == _DIVIDING_HYPHEN:
            _divide(gathered, page, at)
            continue
        if 0xD800 <= unit < 0xDC00 and index < count and 0xDC00 <= (low := page.unit(index)) < 0xE000:
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
            index += 1
        character = _character(unit)
        if character:
            placeless = character.isspace() or page.is_generated(at)
            gathered.add(character, at, None if placeless else page.ink_box(at))
    gathered.end_word()
    return gathered


def _divide(gathered: _PageText, page: PdfPage, at: int) -> None:
    """Join a word that is divided between two lines, as two boxes; keep the hyphen of a name such as 'Jean-Paul'."""
    before = gathered.parts[-1] if gathered.parts else ""
    after = _character(page.unit(at + 1)) if at + 1 < page.count() else ""
    if not (before.islower() and after.islower()):
        gathered.add("-", at, page.ink_box(at))
    gathered.end_word()


def _character(unit: int) -> str:
    """Return the character of a code point as it stands in the text, '' for what is no text."""
    if unit == 0x0A or unit >= 0x20:
        return _REPLACEMENT if 0xD800 <= unit < 0xE000 or unit in (0xFFFE, 0xFFFF) else chr(unit)
    return "\t" if unit == 0x09 else _REPLACEMENT if unit == 0 else ""


def _between_ink_and_line(page: PdfPage, index: int, ink: Rectangle) -> Rectangle:
    """Return a word's box with a height halfway between its ink and its line: close to what either school draws."""
    line = page.line_box(index)
    if line is None or line.area == 0:
        return ink
    if line.bottom - line.top <= 3 * (ink.bottom - ink.top) and line.left < ink.right and line.right > ink.left:
        return Rectangle(ink.left, (ink.top + line.top) / 2, ink.right, (ink.bottom + line.bottom) / 2).union(ink)
    return ink


def _joined(missed: list[NotRead]) -> tuple[NotRead, ...]:
    """Return stretches of pages in place of single ones."""
    joined: list[NotRead] = []
    for stretch in missed:
        if joined and joined[-1].end == stretch.start and joined[-1].reason == stretch.reason:
            joined[-1] = joined[-1].model_copy(update={"end": stretch.end})
        else:
            joined.append(stretch)
    return tuple(joined)


def _facts(pdf: PdfFile) -> Iterator[Fact]:
    for field_name, value in pdf.metadata().items():
        text = " ".join(value.replace("\0", "").split())[:_LONGEST_FACT]
        if field_name not in _FACTS or not text:
            continue
        name, type_ = _FACTS[field_name]
        yield Fact(name=name, value=_date(text) if type_ == "date" else text, type=type_)


def _date(said: str) -> str:
    """Return a PDF date as ISO 8601, or as it is where it is none."""
    found = _DATE.match(said)
    if found is None:
        return said
    year, month, day, hour, minute, second, zone, zone_minutes = found.groups()
    date = "-".join(part for part in (year, month, day) if part)
    if not hour or not day:
        return date
    offset = "" if zone is None else "Z" if zone == "Z" else f"{zone}:{zone_minutes or '00'}"
    return f"{date}T{hour}:{minute}:{second or '00'}{offset}"
