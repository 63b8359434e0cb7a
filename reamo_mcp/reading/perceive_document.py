"""Perceiving a document with pages: its text layer, and the print, faces and codes of pages that are pictures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from reamo_mcp.errors import InputError
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Description, Outcome, Page, Picture
from reamo_mcp.models.roles import Line, TextReader
from reamo_mcp.reading.metadata import metadata_reading
from reamo_mcp.reading.perception import Given, Perception, Senses
from reamo_mcp.reading.recognised_text import text_of_lines
from reamo_mcp.reading.setbacks import Gap, answers_to, setback, taken
from reamo_mcp.reading.sighting import look, named, sightings_of
from reamo_mcp.types.coverage import MediumCoverage, NotRead, UnsupportedAsk
from reamo_mcp.types.extraction import Notice
from reamo_mcp.types.grounding import Box, PageBox
from reamo_mcp.types.media import DocumentMedium, PageSize
from reamo_mcp.types.reading import AtPage, Place, Reading, Sighting, Word

PAGE_BREAK = "\n\f"
_DOTS_PER_INCH = 200
_LONGEST_SIDE = 2000  # pixels of a rendered page: 170 dots per inch for A4
_LEAST_DOTS_PER_INCH = 100  # below it usual print is lost
_POINTS_PER_INCH = 72
_MOST_SETBACKS = 3  # pages that the decoder may die over before the rest is given up
_SAME_PLACE = 0.5  # a recognised word covered this much by a word of the text layer is that word


@dataclass
class _PageText:
    """A page while it is put together; its words count from the start of its text."""

    page: Page
    text: str
    words: list[Word]


@dataclass
class _Layers:
    """The pages whose text layer was read, and the pages that could not be."""

    texts: list[_PageText] = field(default_factory=list[_PageText])
    missed: list[NotRead] = field(default_factory=list[NotRead])
    notices: list[Notice] = field(default_factory=list[Notice])


@dataclass
class _Looked:
    """What one reader or detector did with the pages that had to be looked at."""

    read: int = 0
    missed: list[NotRead] = field(default_factory=list[NotRead])

    def add(self, page: int, gap: Gap | None) -> None:
        if gap is None:
            self.read += 1
        else:
            self.missed.append(gap.not_read("pages", page, page + 1))


@dataclass
class _Sights:
    """What was found by looking at pages."""

    looked: dict[str, _Looked] = field(default_factory=dict[str, _Looked])
    models: dict[str, None] = field(default_factory=dict[str, None])
    sightings: list[Sighting] = field(default_factory=list[Sighting])
    notices: list[Notice] = field(default_factory=list[Notice])

    def add(self, reader: str, page: int, gap: Gap | None) -> None:
        self.looked.setdefault(reader, _Looked()).add(page, gap)


def perceive_document(given: Given, description: Description, senses: Senses, control: Control) -> Perception:
    """Return the text of a document with pages, each word with its place on a page.

    Pages whose picture holds text that their layer lacks are rendered and read as pictures; faces and codes are
    looked for on those pages too. Raises what the decoder raises if the document cannot be opened; a page that cannot
    be rendered or read is told in the coverage.
    """
    first, last = given.part.pages or (1, description.pages)
    total = max(0, min(last, description.pages) - first + 1)
    layers = _read_layers(given, min(last, description.pages), total, senses, control)
    texts = layers.texts
    pictures = [text for text in texts if text.page.needs_recognition]
    sights = _Sights()
    for done, text in enumerate(pictures, len(texts) - len(pictures)):
        control.progress(done, total, "pages")
        _look_at(text, given, senses, sights, control)
    control.progress(len(texts), total, "pages")

    covered = MediumCoverage(
        media_id=given.media_id,
        reader="text",
        unit="pages",
        total=total,
        read=len(texts),
        not_read=tuple(layers.missed),
    )
    return Perception(
        medium=DocumentMedium(
            id=given.media_id,
            name=given.file.name,
            sha256=given.file.sha256,
            format=description.format,
            pages=description.pages,
            page_sizes=tuple(text.page.size for text in texts),
        ),
        readings=(
            _reading(given.media_id, texts, senses.text_reader if pictures else None),
            *_sight_reading(given.media_id, sights),
            *metadata_reading(given.media_id, description.facts),
        ),
        coverage=(covered, *_coverage(given.media_id, sights, len(pictures))),
        unsupported=tuple(_unsupported(given.media_id, senses, len(pictures) < len(texts))),
        notices=(*description.notices, *layers.notices, *sights.notices),
    )


def _read_layers(given: Given, last: int, total: int, senses: Senses, control: Control) -> _Layers:
    """Read the wanted pages, beyond a page over which the decoder dies too. Raises that failure if none can be read."""
    layers = _Layers()
    wanted = given.part.pages
    at = wanted[0] if wanted else 1
    read = 0
    for setbacks in range(_MOST_SETBACKS + 1):
        outcome = Outcome()
        try:
            for page in senses.decoder.pages(given.file, wanted, outcome, control):
                control.check()
                layers.texts.append(_layer(page))
                at = page.number + 1
                read += not page.needs_recognition
                control.progress(read, total, "pages")
        except Exception as error:  # the other pages are worth having without this one
            failure = setback(error, f"page {at} of {given.file.name}")
            given_up = setbacks == _MOST_SETBACKS or isinstance(failure, InputError)
            if not layers.texts and (given_up or at >= last):
                raise failure from failure.__cause__
            end = last if given_up else at
            layers.missed.append(Gap.by(failure).not_read("pages", at, end + 1))
            at = end + 1
            wanted = (at, last)
            if at > last:
                break
        else:
            if outcome.end is not None:
                layers.missed += outcome.end.not_read
                layers.notices += outcome.end.notices
            break
    return layers


def _layer(page: Page) -> _PageText:
    words = [
        Word(
            start=word.start,
            end=word.end,
            place=AtPage(parts=(PageBox(page=page.number, box=word.box),)),
            visible=word.visible,
        )
        for word in page.words
    ]
    return _PageText(page, page.text, words)


def _look_at(text: _PageText, given: Given, senses: Senses, sights: _Sights, control: Control) -> None:
    """Render a page, add the print that its text layer lacks, and look for what the detectors know."""
    page = text.page
    control.check()
    try:
        picture = senses.decoder.page_picture(given.file, page.number, _side(page.size), control)
    except Exception as error:  # the other pages are worth having without this one
        gap = Gap.by(setback(error, f"page {page.number} of {given.file.name}"))
        for reader in ("picture_text", *(named(detector) for detector in senses.detectors)):
            sights.add(reader, page.number, gap)
        return
    dots = picture.scale * _POINTS_PER_INCH
    if dots < _LEAST_DOTS_PER_INCH:
        message = f"Page {page.number} was read at {dots:.0f} dots per inch; print that is small on it may be missing"
        sights.notices.append(Notice(code="reduced", message=message, media_id=given.media_id))

    place = _on_page(page.number)
    lines, gap = _read(picture, senses.text_reader, f"page {page.number} of {given.file.name}", control)
    sights.add("picture_text", page.number, gap)
    layer = [word.box for word in page.words if word.visible]
    new = [line for line in lines if not _in_layer(line, layer)]
    start = len(text.text) + 1 if text.text else 0
    placed = text_of_lines(new, start, place)
    if placed.text:
        text.text = f"{text.text}\n{placed.text}" if text.text else placed.text
        text.words += placed.words

    for seen in look(senses.detectors, picture, control):
        sights.add(seen.detector, page.number, seen.gap)
        sights.models[seen.model] = None
        sights.sightings += sightings_of(seen.regions, given.media_id, len(sights.sightings) + 1, place)


def _side(size: PageSize) -> int:
    longer = max(size.width, size.height)
    return max(1, min(_LONGEST_SIDE, round(longer * _DOTS_PER_INCH / _POINTS_PER_INCH)))


def _on_page(number: int) -> Callable[[Box], Place]:
    return lambda box: AtPage(parts=(PageBox(page=number, box=box),), by="recognition")


def _read(
    picture: Picture, reader: TextReader | None, what: str, control: Control
) -> tuple[tuple[Line, ...], Gap | None]:
    if reader is None:
        return (), Gap("no text reader", retryable=False)
    (answer,) = answers_to(partial(reader.read, [picture], control), 1, what)
    return taken(answer)


def _in_layer(line: Line, layer: list[Box]) -> bool:
    """Whether most words of a recognised line stand in the visible text layer already."""
    covered = sum(any(_covered(word.box, box) for box in layer) for word in line.words)
    return 2 * covered > len(line.words)


def _covered(word: Box, box: Box) -> bool:
    wide = min(word.right, box.right) - max(word.x, box.x)
    high = min(word.bottom, box.bottom) - max(word.y, box.y)
    return wide > 0 and high > 0 and wide * high >= _SAME_PLACE * min(word.area, box.area)


def _reading(media_id: str, texts: list[_PageText], reader: TextReader | None) -> Reading:
    """Join the pages in their order; each page starts after a page break."""
    words: list[Word] = []
    start = 0
    for text in texts:
        words += [word.model_copy(update={"start": word.start + start, "end": word.end + start}) for word in text.words]
        start += len(text.text) + len(PAGE_BREAK)
    return Reading(
        id=f"{media_id}.text",
        media_id=media_id,
        kind="text",
        model=f"text_layer+{reader.card.name}" if reader else "text_layer",
        text=PAGE_BREAK.join(text.text for text in texts),
        words=tuple(words),
    )


def _sight_reading(media_id: str, sights: _Sights) -> tuple[Reading, ...]:
    if not sights.models:
        return ()
    reading = Reading(
        id=f"{media_id}.sight",
        media_id=media_id,
        kind="sight",
        model="+".join(sights.models),
        sightings=tuple(sights.sightings),
    )
    return (reading,)


def _coverage(media_id: str, sights: _Sights, total: int) -> Iterator[MediumCoverage]:
    for reader, looked in sights.looked.items():
        yield MediumCoverage(
            media_id=media_id,
            reader=reader,
            unit="pages",
            total=total,
            read=looked.read,
            not_read=tuple(looked.missed),
        )


def _unsupported(media_id: str, senses: Senses, some_with_layer: bool) -> Iterator[UnsupportedAsk]:
    yield UnsupportedAsk(
        media_id=media_id,
        what="objects",
        reason="this engine sees print, faces and codes on pages; it names no other things",
    )
    if some_with_layer and senses.detectors:
        yield UnsupportedAsk(
            media_id=media_id,
            what="pictures",
            reason="faces and codes are looked for on pages that are pictures, not beside a text layer",
        )
