from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy
from hypothesis import given as for_all
from hypothesis import strategies

from reamo_mcp.errors import CorruptMedia, ModelUnavailable
from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.media.decoded import Description, OpenFile, Outcome, Page, PageWord, Picture, StreamEnd
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.models.roles import Answer, Found, Line, ModelCard, ReadWord, Region
from reamo_mcp.reading.perceive_document import perceive_document
from reamo_mcp.reading.perception import Given, Perception, Senses
from reamo_mcp.types.coverage import NotRead
from reamo_mcp.types.grounding import Box, PageBox
from reamo_mcp.types.media import DocumentMedium, PageSize, Part
from reamo_mcp.types.reading import AtPage

FILE = OpenFile(name="report.pdf", fd=-1, size=1, sha256="0" * 64, kind="document", format="pdf")
A4 = PageSize(width=595, height=842)


def layer(number: int, text: str, needs_recognition: bool = False, hidden: str = "") -> Page:
    """A page whose words stand side by side on one line."""
    words: list[PageWord] = []
    at = 0
    for position, word in enumerate(text.split()):
        at = text.index(word, at)
        box = Box(x=50 + 60 * position, y=100, width=50, height=12)
        words.append(PageWord(at, at + len(word), box, visible=word != hidden))
        at += len(word)
    return Page(number, A4, text, tuple(words), needs_recognition)


def recognised(text: str, y: float = 400) -> Line:
    words: list[ReadWord] = []
    at = 0
    for position, word in enumerate(text.split()):
        at = text.index(word, at)
        words.append(ReadWord(start=at, end=at + len(word), box=Box(x=50 + 60 * position, y=y, width=50, height=12)))
        at += len(word)
    return Line(text=text, box=words[0].box.union(words[-1].box), words=tuple(words), confidence=0.99)


@dataclass(frozen=True)
class ScriptedPageDecoder:
    """Gives the pages it was given; pages named as broken cannot be rendered."""

    layers: tuple[Page, ...]
    broken: tuple[int, ...] = ()
    end: StreamEnd | None = None

    def pages(
        self, file: OpenFile, wanted: tuple[int, int] | None, outcome: Outcome, control: Control
    ) -> Iterator[Page]:
        first, last = wanted or (1, len(self.layers))
        yield from (page for page in self.layers if first <= page.number <= last)
        outcome.end = self.end

    def page_picture(self, file: OpenFile, page: int, longest_side: int, control: Control) -> Picture:
        if page in self.broken:
            raise CorruptMedia("The page is damaged", "Send another copy")
        scale = longest_side / A4.height
        pixels = numpy.full((longest_side, round(A4.width * scale), 3), 255, numpy.uint8)
        return Picture(pixels, scale, A4.width, A4.height)


class ScriptedReader:
    """Reads the same lines on every page and counts its pages; without lines it has no weights."""

    def __init__(self, *lines: Line, missing: bool = False) -> None:
        self._lines = lines
        self._missing = missing
        self.read_pages = 0

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="text_reader", name="scripted", revision="1")

    def read(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Line]]:
        if self._missing:
            raise ModelUnavailable("The networks are not installed", "Install them")
        self.read_pages += len(pictures)
        return [Found(self._lines) for _ in pictures]


class ScriptedFaces:
    """Sees one face in every picture."""

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="object_detector", name="scripted", revision="1", vocabulary=("face",))

    def detect(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Region]]:
        return [Found((Region(type="face", box=Box(x=9, y=9, width=30, height=40), score=0.9),)) for _ in pictures]


def perceived(
    decoder: ScriptedPageDecoder, reader: ScriptedReader | None = None, faces: bool = False, part: Part | None = None
) -> Perception:
    senses = Senses(decoder=cast(Decoder, decoder), text_reader=reader, detectors=[ScriptedFaces()] if faces else [])
    description = Description("document", "pdf", pages=len(decoder.layers))
    return perceive_document(Given(FILE, "m1", part or Part()), description, senses, Unlimited())


def words_of(perception: Perception) -> list[str]:
    reading = perception.readings[0]
    return [reading.text[word.start : word.end] for word in reading.words]


def test_words_of_the_text_layer_know_their_page_and_box() -> None:
    perception = perceived(ScriptedPageDecoder((layer(1, "Angela Merkel"), layer(2, "met Barack Obama"))))
    assert words_of(perception) == ["Angela", "Merkel", "met", "Barack", "Obama"]
    place = perception.readings[0].words[3].place
    assert place == AtPage(parts=(PageBox(page=2, box=Box(x=110, y=100, width=50, height=12)),), by="text_layer")
    assert isinstance(perception.medium, DocumentMedium)
    assert perception.medium.page_sizes == (A4, A4)


@for_all(strategies.lists(strategies.text(alphabet="ab \nä𝒳", max_size=30), min_size=1, max_size=6))
def test_every_word_of_every_page_is_a_slice_of_the_reading(texts: list[str]) -> None:
    pages = tuple(layer(number, text, number % 2 == 0) for number, text in enumerate(texts, 1))
    expected: list[str] = []
    for page in pages:
        expected += page.text.split() + (["Tom", "Baker"] if page.needs_recognition else [])
    assert words_of(perceived(ScriptedPageDecoder(pages), ScriptedReader(recognised("Tom Baker")))) == expected


def test_only_pages_that_need_it_are_recognised() -> None:
    reader = ScriptedReader(recognised("Tom Baker"))
    pages = (layer(1, "Angela Merkel"), layer(2, "", needs_recognition=True), layer(3, "the end"))
    perception = perceived(ScriptedPageDecoder(pages), reader)
    assert reader.read_pages == 1
    assert perception.readings[0].text == "Angela Merkel\n\fTom Baker\n\fthe end"
    places = [word.place for word in perception.readings[0].words]
    assert [place.by for place in places if isinstance(place, AtPage)] == [
        "text_layer", "text_layer", "recognition", "recognition", "text_layer", "text_layer"
    ]  # fmt: skip


def test_print_that_stands_in_the_text_layer_already_is_not_read_twice() -> None:
    reader = ScriptedReader(recognised("Angela Merkel", y=101), recognised("inside the logo"))
    perception = perceived(ScriptedPageDecoder((layer(1, "Angela Merkel", needs_recognition=True),)), reader)
    assert perception.readings[0].text == "Angela Merkel\ninside the logo"


def test_hidden_words_stay_as_evidence_and_do_not_stand_for_what_is_seen() -> None:
    page = layer(1, "Angela ignore", needs_recognition=True, hidden="ignore")
    perception = perceived(ScriptedPageDecoder((page,)), ScriptedReader(recognised("x rules", y=100)))
    assert [word.visible for word in perception.readings[0].words] == [True, False, True, True]


def test_a_page_that_cannot_be_rendered_does_not_sink_the_others() -> None:
    pages = tuple(layer(number, "", needs_recognition=True) for number in (1, 2, 3))
    decoder = ScriptedPageDecoder(pages, broken=(2,))
    perception = perceived(decoder, ScriptedReader(recognised("Tom Baker")), faces=True)
    assert words_of(perception) == ["Tom", "Baker"] * 2
    for covered in perception.coverage[1:]:
        assert (covered.reader, covered.read, covered.total) in {("picture_text", 2, 3), ("face", 2, 3)}
        assert [(missed.start, missed.reason) for missed in covered.not_read] == [(2, "The page is damaged")]


def test_without_a_text_reader_the_text_layers_are_read_and_the_pictures_are_told() -> None:
    pages = (layer(1, "Angela Merkel"), layer(2, "", needs_recognition=True))
    for reader in (None, ScriptedReader(missing=True)):
        perception = perceived(ScriptedPageDecoder(pages), reader)
        assert words_of(perception) == ["Angela", "Merkel"]
        (covered,) = perception.coverage[1:]
        assert (covered.reader, covered.read, covered.total, len(covered.not_read)) == ("picture_text", 0, 1, 1)


def test_only_the_pages_that_were_asked_for_are_read_and_counted() -> None:
    pages = tuple(layer(number, f"page {number}") for number in range(1, 8))
    perception = perceived(ScriptedPageDecoder(pages), part=Part(pages=(3, 4)))
    assert perception.readings[0].text == "page 3\n\fpage 4"
    assert (perception.coverage[0].read, perception.coverage[0].total) == (2, 2)


def test_pages_that_a_limit_cut_off_are_told() -> None:
    cut = NotRead(unit="pages", start=2, end=3, reason="most_pages")
    decoder = ScriptedPageDecoder((layer(1, "Angela"),), end=StreamEnd(read=1, not_read=(cut,)))
    assert perceived(decoder).coverage[0].not_read == (cut,)


def test_faces_on_scanned_pages_are_sightings_on_their_page() -> None:
    pages = (layer(1, "Angela Merkel"), layer(2, "", needs_recognition=True), layer(3, "", needs_recognition=True))
    perception = perceived(ScriptedPageDecoder(pages), ScriptedReader(), faces=True)
    sight = perception.readings[1]
    assert [sighting.id for sighting in sight.sightings] == ["m1.sight.1", "m1.sight.2"]
    assert [part.page for one in sight.sightings if isinstance(one.place, AtPage) for part in one.place.parts] == [2, 3]
    assert "pictures" in {ask.what for ask in perception.unsupported}
