import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reamo_mcp.errors import Cancelled, UnsupportedFormat
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import DecodedText
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.media.opening import Allowed, open_file
from reamo_mcp.media.text import decode
from reamo_mcp.settings import Limits

GO = Unlimited()
SAID = (
    "Größe: 5 €, Straße nach \u0130stanbul, \u5317\u4eac, \u0645\u0631\u062d\u0628\u0627, "
    "\U0001f469\u200d\U0001f4bb e\u0301\r\nzweite Zeile\rdritte\n"
)


def read(folder: Path, content: bytes, name: str = "a.txt") -> DecodedText:
    path = folder / name
    path.write_bytes(content)
    with open_file(str(path), Allowed.named(), Limits(), GO) as file:
        return LocalDecoder(Limits()).text(file, GO)


def codes(decoded: DecodedText) -> list[str]:
    return [notice.code for notice in decoded.notices]


@pytest.mark.parametrize(
    ("codec", "told"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("utf-32-le", "utf-32-le"),
        ("utf-32-be", "utf-32-be"),
    ],
)
def test_unicode_comes_back_as_it_was_written_with_its_encoding(codec: str, told: str, tmp_path: Path) -> None:
    said = SAID if "utf-16" not in codec or codec == "utf-16" else "Alice met Bob in Paris\r\n" * 3
    decoded = read(tmp_path, said.encode(codec))
    assert (decoded.text, decoded.encoding, codes(decoded)) == (said, told, [])


@pytest.mark.parametrize("mark", [b"\xfe\xff", b"\xff\xfe", b"\x00\x00\xfe\xff", b"\xff\xfe\x00\x00", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_decides_and_is_no_part_of_the_text(mark: bytes, tmp_path: Path) -> None:
    codec = {2: "utf-16", 4: "utf-32", 3: "utf-8"}[len(mark)]
    order = "" if codec == "utf-8" else "-be" if mark[-1] == 0xFF else "-le"
    decoded = read(tmp_path, mark + SAID.encode(codec + order))
    assert decoded.text == SAID


@pytest.mark.parametrize(
    ("codec", "said"),
    [
        ("cp1252", "Die Größe der Straße beträgt fünf Meter, sagte Jürgen Müller in München über die Brücke."),
        ("cp1251", "Анна Каренина встретила Вронского на вокзале в Москве, и всё изменилось навсегда."),
        ("koi8_r", "Анна Каренина встретила Вронского на вокзале в Москве, и всё изменилось навсегда."),
        ("shift_jis", "東京は日本の首都です。鈴木さんは昨日大阪へ行きました。とても楽しかったそうです。"),
        ("gb18030", "北京是中华人民共和国的首都。李先生昨天去了上海,他说那里的天气很好。"),
        ("euc_kr", "서울은 대한민국의 수도이다. 김철수는 어제 부산에 갔다. 날씨가 매우 좋았다."),
    ],
)
def test_an_older_encoding_is_guessed_and_the_guess_is_told(codec: str, said: str, tmp_path: Path) -> None:
    decoded = read(tmp_path, (said * 3).encode(codec))
    assert decoded.text == said * 3
    assert codes(decoded) == ["encoding_guessed"]


def test_bytes_that_are_no_text_become_a_sign_for_that_and_are_counted(tmp_path: Path) -> None:
    decoded = read(tmp_path, "Größe ".encode() * 5 + b"\xff\xfe" + b"\xc3(" + b" Alice")
    assert decoded.encoding == "utf-8"
    assert decoded.text.endswith("\ufffd\ufffd\ufffd( Alice")
    assert codes(decoded) == ["undecodable"]
    assert "3 characters" in decoded.notices[0].message


def test_lone_surrogates_and_nul_never_leave_the_decoder(tmp_path: Path) -> None:
    for content in (b"x \xed\xa0\x80 y", b"Alice\0Bob and some more words"):
        decoded = read(tmp_path, content)
        decoded.text.encode("utf-8")
        assert "\0" not in decoded.text
        assert codes(decoded) == ["undecodable"]
    wide = b"\xff\xfe" + "Alice ".encode("utf-16-le") + b"\x00\xd8" + " Bob".encode("utf-16-le")
    assert read(tmp_path, wide).text.startswith("Alice ")
    read(tmp_path, wide).text.encode("utf-8")


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "\n\r\n\r", "\x0b\x0c", "\u2028\u2029\x85"])
def test_line_ends_stay_as_they_are(ends: str, tmp_path: Path) -> None:
    said = f"Alice{ends}Bob{ends}"
    assert read(tmp_path, said.encode()).text == said


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\ufffd\ufeff"), min_size=1))
def test_any_text_in_utf_8_comes_back(said: str) -> None:
    decoded = decode(("A. " + said).encode(), "a.txt")
    assert (decoded.text, decoded.notices) == ("A. " + said, ())


@given(st.binary(min_size=1, max_size=400))
def test_any_bytes_give_a_text_that_can_be_written_or_a_typed_error(content: bytes) -> None:
    try:
        decoded = decode(content, "a.txt")
    except UnsupportedFormat:
        return
    assert decoded.text.encode("utf-8").decode("utf-8") == decoded.text
    assert "\0" not in decoded.text
    assert not any(unicodedata.category(sign) == "Cs" for sign in decoded.text)


@pytest.mark.parametrize(
    ("declared", "codec"), [("windows-1251", "cp1251"), ("iso-8859-1", "cp1252"), ("Shift_JIS", "shift_jis")]
)
def test_a_page_is_read_as_it_declares(declared: str, codec: str, tmp_path: Path) -> None:
    said = {"cp1251": "Москва", "cp1252": "Größe “x”", "shift_jis": "東京"}[codec]
    page = f'<!doctype html><html><head><meta charset="{declared}"></head><body>{said}</body></html>'
    decoded = read(tmp_path, page.encode(codec), "a.html")
    assert (decoded.text.strip(), codes(decoded)) == (said, [])


@pytest.mark.parametrize("declared", ["zlib", "rot13", "idna", "unicode_escape", "nonsense", "undefined"])
def test_a_declared_name_of_no_encoding_of_texts_is_not_followed(declared: str, tmp_path: Path) -> None:
    page = f'<!doctype html><meta charset="{declared}"><body>Gr\\u00fc\xdfe'.encode("cp1252")
    assert "Gr\\u00fc" in read(tmp_path, page, "a.html").text


def test_what_a_browser_would_not_show_is_marked_or_left_out(tmp_path: Path) -> None:
    page = (
        "<!doctype html><title>T</title><meta name=author content='Ada'><p>Alice <b>met</b> Bob"
        "<p style='display:none'>Carol</p><script>Dave()</script><style>Eve</style><!-- Frank --><p>Grace &amp; Heidi"
    )
    decoded = read(tmp_path, page.encode(), "a.html")
    assert decoded.text.split("\n")[0] == "Alice met Bob"
    assert "Grace & Heidi" in decoded.text
    for name in ("Dave", "Eve", "Frank"):
        assert name not in decoded.text
    assert [decoded.text[span.start : span.end] for span in decoded.hidden] == ["Carol"]
    assert codes(decoded) == ["hidden_text"]
    assert {(fact.name, fact.value) for fact in decoded.facts} >= {("title", "T"), ("author", "Ada")}


def test_a_page_that_is_nested_without_end_is_read(tmp_path: Path) -> None:
    assert "Alice" in read(tmp_path, b"<html>" + b"<div>" * 50_000 + b"Alice", "a.html").text


def test_reading_stops_when_asked_to(tmp_path: Path) -> None:
    class Stopped(Unlimited):
        def check(self) -> None:
            raise Cancelled("enough")

    path = tmp_path / "a.txt"
    path.write_text("Alice", encoding="utf-8")
    with open_file(str(path), Allowed.named(), Limits(), GO) as file, pytest.raises(Cancelled):
        LocalDecoder(Limits()).text(file, Stopped())
