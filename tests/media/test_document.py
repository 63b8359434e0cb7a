from collections.abc import Callable
from pathlib import Path

import numpy
import pytest

from reamo_mcp.errors import Cancelled, CorruptMedia, EncryptedMedia, InvalidArgument, ReamoError
from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.media.decoded import Description, Outcome, Page, Picture
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.media.opening import Allowed, open_file
from reamo_mcp.settings import Limits
from tests.faults.resumable import drawn_pages
from tests.hostile.documents import encrypted_pdf, page, pdf

GO = Unlimited()
HIGH = 200  # points of the pages that `page` makes; 300 wide


def described(folder: Path, content: bytes) -> Description:
    path = folder / "a.pdf"
    path.write_bytes(content)
    with open_file(str(path), Allowed.named(), Limits(), GO) as file:
        return LocalDecoder(Limits()).describe(file, GO)


def pages(
    folder: Path,
    content: bytes,
    wanted: tuple[int, int] | None = None,
    limits: Limits | None = None,
    control: Control = GO,
) -> tuple[list[Page], Outcome]:
    path, outcome = folder / "a.pdf", Outcome()
    path.write_bytes(content)
    with open_file(str(path), Allowed.named(), Limits(), GO) as file:
        return list(LocalDecoder(limits or Limits()).pages(file, wanted, outcome, control)), outcome


def picture(folder: Path, content: bytes, number: int = 1, side: int = 300) -> Picture:
    path = folder / "a.pdf"
    path.write_bytes(content)
    with open_file(str(path), Allowed.named(), Limits(), GO) as file:
        return LocalDecoder(Limits()).page_picture(file, number, side, GO)


def only(folder: Path, drawing: bytes) -> Page:
    ((found,), _) = pages(folder, pdf(page(drawing)))
    return found


def words(found: Page, *, visible: bool | None = None) -> list[str]:
    return [found.text[word.start : word.end] for word in found.words if visible is None or word.visible is visible]


def turned(content: bytes, degrees: int) -> bytes:
    return content.replace(b"/MediaBox", b"/Rotate %d/MediaBox" % degrees)


def sees_ink(shown: Picture, found: Page, number: int = 0) -> bool:
    """Whether the box of a word holds ink in the picture of its page, and the whole picture no more than the words."""
    box, scale = found.words[number].box, shown.scale
    rows = slice(int(box.y * scale), int(box.bottom * scale) + 1)
    columns = slice(int(box.x * scale), int(box.right * scale) + 1)
    return bool((shown.pixels[rows, columns] < 128).any())


def test_words_know_their_place_from_the_top_left_of_the_page(tmp_path: Path) -> None:
    found = only(tmp_path, b"BT /F 20 Tf 50 150 Td (Alice met) Tj ET")
    assert found.text.strip() == "Alice met"
    assert words(found) == ["Alice", "met"]
    alice, met = (word.box for word in found.words)
    assert 48 <= alice.x <= 53
    assert HIGH - 150 - 20 <= alice.y < HIGH - 150 <= alice.bottom + 5
    assert alice.right < met.x
    assert (found.size.width, found.size.height, found.needs_recognition) == (300, HIGH, False)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_boxes_lie_where_the_upright_page_shows_ink(degrees: int, tmp_path: Path) -> None:
    content = turned(pdf(page(b"BT /F 20 Tf 30 150 Td (Alice) Tj ET")), degrees)
    ((found,), _) = pages(tmp_path, content)
    shown = picture(tmp_path, content, side=600)
    high, wide = shown.pixels.shape[:2]
    assert (wide > high) is (degrees % 180 == 0)
    assert (round(wide / shown.scale), round(high / shown.scale)) == (found.size.width, found.size.height)
    assert sees_ink(shown, found)
    outside = shown.pixels.copy()
    box = found.words[0].box
    outside[
        int((box.y - 4) * shown.scale) : int((box.bottom + 4) * shown.scale),
        int((box.x - 4) * shown.scale) : int((box.right + 4) * shown.scale),
    ] = 255
    assert (outside > 200).all(), "there is ink outside of the only word"


def test_a_word_that_a_line_end_divides_is_one_word_in_two_boxes(tmp_path: Path) -> None:
    found = only(tmp_path, b"BT /F 20 Tf 20 150 Td (Alice under-) Tj 0 -30 Td (stood Jean-) Tj 0 -30 Td (Paul) Tj ET")
    assert found.text == "Alice understood Jean-Paul"
    assert words(found) == ["Alice", "under", "stood", "Jean-", "Paul"]
    first, second = found.words[1].box, found.words[2].box
    assert first.bottom < second.y


@pytest.mark.parametrize(
    ("way", "drawing"),
    [
        ("white", b"1 1 1 rg 20 100 Td (Eve) Tj"),
        ("unpainted", b"3 Tr 20 100 Td (Eve) Tj"),
        ("tiny", b"/F 0.2 Tf 20 100 Td (Eve) Tj"),
        ("off the page", b"1 0 0 1 900 100 Tm (Eve) Tj"),
    ],
)
def test_a_word_that_nobody_sees_is_kept_and_marked(way: str, drawing: bytes, tmp_path: Path) -> None:
    content = pdf(page(b"BT /F 12 Tf 20 150 Td (Alice) Tj ET BT /F 12 Tf " + drawing + b" ET"))
    ((found,), outcome) = pages(tmp_path, content)
    assert words(found, visible=True) == ["Alice"], way
    assert words(found, visible=False) == ["Eve"], way
    assert outcome.end is not None
    assert [notice.code for notice in outcome.end.notices] == ["hidden_text"]


def test_a_word_below_a_picture_is_not_seen_and_white_on_black_is(tmp_path: Path) -> None:
    covered = only(tmp_path, b"BT /F 12 Tf 20 150 Td (Eve) Tj ET 0.5 g 0 120 200 60 re f BT 0 g 20 50 Td (Alice) Tj ET")
    assert "Eve" not in words(covered, visible=True)
    light = only(tmp_path, b"0 g 0 120 200 60 re f BT /F 12 Tf 1 1 1 rg 20 150 Td (Alice) Tj ET")
    assert words(light, visible=True) == ["Alice"]


def test_a_page_whose_picture_holds_what_its_text_lacks_asks_for_recognition(tmp_path: Path) -> None:
    found, _ = pages(tmp_path, drawn_pages(2))
    assert [one.needs_recognition for one in found] == [True, True]
    assert not only(tmp_path, b"").needs_recognition


def test_only_the_wanted_pages_are_read(tmp_path: Path) -> None:
    found, outcome = pages(tmp_path, drawn_pages(5), (2, 3))
    assert [one.number for one in found] == [2, 3]
    assert outcome.end is not None
    assert (outcome.end.read, outcome.end.not_read) == (2, ())
    for wanted in ((6, 7), (0, 1), (3, 2)):
        with pytest.raises(InvalidArgument, match="pages 1 to 5"):
            pages(tmp_path, drawn_pages(5), wanted)


def test_pages_beyond_the_limit_are_told(tmp_path: Path) -> None:
    found, outcome = pages(tmp_path, drawn_pages(5), limits=Limits(most_pages=2))
    assert len(found) == 2
    assert outcome.end is not None
    ((gap),) = outcome.end.not_read
    assert (gap.unit, gap.start, gap.end, "REAMO_MOST_PAGES" in gap.reason) == ("pages", 3, 6, True)


def test_damaged_pages_are_told_and_the_others_are_read(tmp_path: Path) -> None:
    content = drawn_pages(4)
    at = content.index(b"5 0 obj")
    broken = content[:at] + content[at:].replace(b"/Type/Page/", b"/Type/Pagx/", 1)
    found, outcome = pages(tmp_path, broken)
    assert outcome.end is not None
    missed = {number for gap in outcome.end.not_read for number in range(int(gap.start), int(gap.end))}
    assert {one.number for one in found} | missed == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (lambda: encrypted_pdf(), EncryptedMedia),
        (lambda: b"%PDF-1.7\nnothing", CorruptMedia),
        (lambda: pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"]), CorruptMedia),
    ],
)
def test_what_cannot_be_opened_is_told(content: Callable[[], bytes], kind: type[ReamoError], tmp_path: Path) -> None:
    with pytest.raises(kind) as raised:
        described(tmp_path, content())
    assert "a.pdf" in raised.value.message
    assert raised.value.hint


def test_the_number_of_pages_and_the_facts_come_from_the_header(tmp_path: Path) -> None:
    info = b"<</Title(A letter)/Author(Ada Lovelace)/CreationDate(D:20240506070809+02'00')/ModDate(D:2024)>>"
    content = pdf([*page(b""), info], b"/Info 6 0 R")
    found = described(tmp_path, content)
    assert (found.kind, found.format, found.pages) == ("document", "pdf", 1)
    assert {(fact.name, fact.value, fact.type) for fact in found.facts} == {
        ("title", "A letter", None),
        ("author", "Ada Lovelace", "person"),
        ("created", "2024-05-06T07:08:09+02:00", "date"),
        ("modified", "2024", "date"),
    }


def test_a_page_is_drawn_as_large_as_it_was_asked_for(tmp_path: Path) -> None:
    shown = picture(tmp_path, drawn_pages(3), 2, side=600)
    assert shown.pixels.shape == (300, 600, 3)
    assert shown.scale == pytest.approx(5)
    dark = numpy.count_nonzero(shown.pixels[-10, :, 0] < 128)
    assert dark / shown.scale == pytest.approx(2, abs=0.5), "the bar of the second page is two points long"


def test_a_page_that_is_not_there_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(CorruptMedia):
        picture(tmp_path, drawn_pages(2), 9)


def test_reading_stops_between_pages_when_asked_to(tmp_path: Path) -> None:
    class Stopped(Unlimited):
        def check(self) -> None:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        pages(tmp_path, drawn_pages(3), control=Stopped())
