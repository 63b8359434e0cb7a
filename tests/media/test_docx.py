import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from reamo_mcp.errors import CorruptMedia, EncryptedMedia, TooLarge, UnsupportedFormat
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import DecodedText
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.media.opening import Allowed, open_file
from reamo_mcp.settings import Limits
from tests.hostile.documents import crowded

GO = Unlimited()
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
CORE = (
    '<p:coreProperties xmlns:p="x" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:t="http://purl.org/dc/terms/">'
    "<dc:title>A letter</dc:title><dc:creator>Ada Lovelace</dc:creator><t:created>2024-05-06T07:08:09Z</t:created>"
    "</p:coreProperties>"
)


def body(content: str, root: str = "document") -> str:
    within = f"<w:body>{content}</w:body>" if root == "document" else content
    return f'<w:{root} xmlns:w="{WORD}">{within}</w:{root}>'


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*runs: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{''.join(runs)}</w:p>"


def archive(**parts: str) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr("[Content_Types].xml", "<Types/>")
        for name, content in parts.items():
            written.writestr({"core": "docProps/core.xml"}.get(name, f"word/{name}.xml"), content)
    return stream.getvalue()


def read(folder: Path, content: bytes, limits: Limits | None = None) -> DecodedText:
    path = folder / "a.docx"
    path.write_bytes(content)
    with open_file(str(path), Allowed.named(), Limits(), GO) as file:
        return LocalDecoder(limits or Limits()).text(file, GO)


def said(folder: Path, content: str) -> DecodedText:
    return read(folder, archive(document=body(content)))


def hidden(decoded: DecodedText) -> list[str]:
    return [decoded.text[span.start : span.end] for span in decoded.hidden]


def test_paragraphs_are_lines_and_runs_are_joined(tmp_path: Path) -> None:
    decoded = said(tmp_path, paragraph(run("Ada Love"), run("lace")) + paragraph(run("met "), run("Bob.")))
    assert decoded.text.strip() == "Ada Lovelace\nmet Bob."


def test_tabs_breaks_and_hyphens_stand_for_themselves(tmp_path: Path) -> None:
    inside = run("a") + "<w:r><w:tab/></w:r>" + run("b") + "<w:r><w:br/></w:r>" + run("Jean")
    decoded = said(tmp_path, paragraph(inside + "<w:r><w:noBreakHyphen/></w:r>" + run("Paul")))
    assert decoded.text.strip() == "a\tb\nJean-Paul"


def test_cells_of_a_table_are_apart(tmp_path: Path) -> None:
    row = "".join(f"<w:tc>{paragraph(run(name))}</w:tc>" for name in ("Ada", "Bob"))
    decoded = said(tmp_path, f"<w:tbl><w:tr>{row}</w:tr></w:tbl>")
    assert decoded.text.split() == ["Ada", "Bob"]
    assert "AdaBob" not in decoded.text


def test_notes_headers_and_footers_follow_the_body(tmp_path: Path) -> None:
    content = archive(
        footer1=body(paragraph(run("foot")), "ftr"),
        header1=body(paragraph(run("head")), "hdr"),
        footnotes=body(paragraph(run("note")), "footnotes"),
        document=body(paragraph(run("body"))),
    )
    assert read(tmp_path, content).text.split() == ["body", "note", "head", "foot"]


def test_what_was_deleted_is_no_text_and_what_was_inserted_is(tmp_path: Path) -> None:
    changes = "<w:del><w:r><w:delText>Carol</w:delText></w:r></w:del>" + f"<w:ins>{run('Bob')}</w:ins>"
    assert said(tmp_path, paragraph(run("Ada "), changes)).text.strip() == "Ada Bob"


def test_an_alternative_is_not_said_twice(tmp_path: Path) -> None:
    space = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ways = f"<mc:Choice>{run('Ada')}</mc:Choice><mc:Fallback>{run('Ada')}</mc:Fallback>"
    both = f"<mc:AlternateContent {space}>{ways}</mc:AlternateContent>"
    assert said(tmp_path, paragraph(both)).text.strip() == "Ada"


@pytest.mark.parametrize(
    "properties",
    ["<w:vanish/>", '<w:vanish w:val="1"/>', "<w:webHidden/>", '<w:sz w:val="2"/>', '<w:color w:val="ffffff"/>'],
)
def test_what_no_reader_sees_is_kept_and_marked(properties: str, tmp_path: Path) -> None:
    decoded = said(tmp_path, paragraph(run("Ada "), run("Eve", properties), run(" Bob")))
    assert decoded.text.split() == ["Ada", "Eve", "Bob"]
    assert [text.strip() for text in hidden(decoded)] == ["Eve"]
    assert [notice.code for notice in decoded.notices] == ["hidden_text"]


def test_white_on_a_colour_and_what_is_switched_off_are_seen(tmp_path: Path) -> None:
    white = '<w:color w:val="FFFFFF"/>'
    shaded = '<w:shd w:fill="000000"/>'
    cell = f"<w:tc><w:tcPr>{shaded}</w:tcPr>{paragraph(run('Carol', white))}</w:tc>"
    content = (
        paragraph(run("Ada", white + shaded))
        + paragraph(run("Bob", white), properties=shaded)
        + f"<w:tbl><w:tr>{cell}</w:tr></w:tbl>"
        + paragraph(run("Dave", '<w:vanish w:val="0"/>'))
    )
    assert not hidden(said(tmp_path, content))


def test_the_properties_of_the_file_are_facts(tmp_path: Path) -> None:
    decoded = read(tmp_path, archive(document=body(paragraph(run("Ada"))), core=CORE))
    assert [(fact.name, fact.value, fact.type) for fact in decoded.facts] == [
        ("title", "A letter", None),
        ("author", "Ada Lovelace", "person"),
        ("created", "2024-05-06T07:08:09Z", "date"),
    ]


def test_a_document_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match="DOCTYPE"):
        read(tmp_path, archive(document='<!DOCTYPE d [<!ENTITY x "y">]>' + body(paragraph(run("&x;")))))


def test_another_archive_of_office_is_no_docx(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match="no DOCX"):
        read(tmp_path, archive(workbook="<x/>"))


def test_what_unpacks_to_more_than_is_allowed_is_refused(tmp_path: Path) -> None:
    content = archive(document=body(paragraph(run("Ada " * 10_000))))
    assert read(tmp_path, content).text
    with pytest.raises(TooLarge):
        read(tmp_path, content, Limits(most_archive_bytes=10_000))
    with pytest.raises(TooLarge):
        read(tmp_path, archive(document=body(paragraph(run("A" * (4 << 20))))))


@pytest.mark.parametrize("wide", [False, True])
def test_a_long_list_of_members_is_refused_whatever_it_claims(wide: bool, tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="members"):
        read(tmp_path, crowded(200_000, 2, wide=wide))


def test_an_archive_with_numbers_of_64_bits_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    assert read(tmp_path, archive(document=body(paragraph(run("Ada"))))).text.strip() == "Ada"


def test_what_is_damaged_or_locked_is_told(tmp_path: Path) -> None:
    content = archive(document=body(paragraph(run("Ada " * 500))))
    with pytest.raises(CorruptMedia):
        read(tmp_path, content[: len(content) // 2])
    with pytest.raises(CorruptMedia):
        read(tmp_path, archive(document=body(paragraph(run("Ada")))[:-20]))
    locked = bytearray(content)
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        locked[locked.rindex(mark) + flags] |= 1
    with pytest.raises(EncryptedMedia):
        read(tmp_path, bytes(locked))


def test_elements_nested_without_end_are_damage(tmp_path: Path) -> None:
    with pytest.raises(CorruptMedia):
        read(tmp_path, archive(document=body("<w:p>" * 5000 + "</w:p>" * 5000)))
