import random
import struct
import zipfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reamo_mcp.errors import EncryptedMedia, ReamoError, UnsupportedContainer, UnsupportedFormat
from reamo_mcp.media.sniffing import HEAD, has_wrong_extension, sniff
from tests.hostile.pictures import encoded, png
from tests.hostile.recordings import silence

# The first bytes of each format, as its specification has them.
HEADS: dict[str, tuple[str, bytes]] = {
    "jpeg": ("image", encoded("JPEG")),
    "png": ("image", png(4, 4)),
    "gif": ("image", encoded("GIF", mode="P")),
    "webp": ("image", encoded("WEBP")),
    "tiff": ("image", encoded("TIFF")),
    "bmp": ("image", encoded("BMP")),
    "avif": ("image", encoded("AVIF")),
    "heic": ("image", struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic"),
    "pdf": ("document", b"%PDF-1.7\n"),
    "wav": ("audio", silence()),
    "flac": ("audio", b"fLaC\0\0\0\x22" + bytes(40)),
    "mp3": ("audio", b"ID3\4\0\0\0\0\0\0" + bytes(40)),
    "ogg": ("audio", b"OggS\0\2" + bytes(40)),
    "aac": ("audio", b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(40)),
    "matroska": ("video", b"\x1aE\xdf\xa3\x9fB\x86\x81\x01" + bytes(40)),
    "avi": ("video", b"RIFF\0\0\0\0AVI LIST" + bytes(40)),
    "mpegts": ("video", (b"\x47" + bytes(187)) * 4),
    "mov": ("video", struct.pack(">I", 24) + b"ftypisom\0\0\2\0isomiso2"),
    "text": ("text", b"Alice met Bob.\n"),
    "html": ("document", b"<!DOCTYPE html><title>T</title>"),
}


def format_of(content: bytes, name: str = "a.bin") -> str:
    return sniff(content[:HEAD], len(content), name).format


@pytest.mark.parametrize("format", HEADS)
def test_each_format_is_known_by_its_first_bytes(format: str) -> None:
    kind, content = HEADS[format]
    found = sniff(content[:HEAD], len(content), "a.bin")
    assert (found.kind, found.format) == (kind, format)


def test_sound_alone_in_an_mp4_is_known_by_its_brand() -> None:
    assert sniff(struct.pack(">I", 20) + b"ftypM4A \0\0\0\0M4A ", 1000, "a").kind == "audio"


def test_streams_without_a_header_are_known_by_their_frames() -> None:
    assert format_of(b"\xff\xfb\x90\x64" + bytes(100)) == "mp3"
    assert format_of(bytes(4) + (b"\x47" + bytes(191)) * 4) == "mpegts", "with the four bytes that Blu-ray discs add"


def test_a_document_of_word_is_known_by_a_member_and_other_archives_are_refused() -> None:
    def archive(*names: str) -> bytes:
        stream = BytesIO()
        with zipfile.ZipFile(stream, "w") as written:
            for name in names:
                written.writestr(name, "")
        return stream.getvalue()

    assert format_of(archive("[Content_Types].xml", "word/document.xml")) == "docx"
    with pytest.raises(UnsupportedFormat):
        format_of(archive("a.txt"))


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n",
        b"\xef\xbb\xbf\n#EXTM3U\n",
        b"ffconcat version 1.0\n",
        b"[playlist]\n",
        b"v=0\r\no=-",
        b"<?xml?><MPD>",
    ],
)
def test_what_only_points_to_media_is_refused_as_a_playlist(content: bytes) -> None:
    with pytest.raises(UnsupportedContainer, match="playlist"):
        format_of(content, "film.mp4")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(500),
        b"\xff\xfe",
        bytes(range(4)) * 64,
        bytes((1, 2, 3, 0)) * 64,
        bytes((0, 1, 2, 3, 4, 5, 6, 7)) * 32,
        b"\xff\xfe" + bytes(range(256)) * 4,
        b"\xef\xbb\xbf" + bytes(range(1, 32)) * 8,
        b"%!PS-Adobe-3.0\nshowpage",
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        b"push graphic-context\nviewbox 0 0 9 9\n",
        b"\x7fELF\2\1\1" + bytes(100),
        b"MZ\x90\0\3\0\0\0" + bytes(100),
        b"\x1f\x8b\x08\0" + bytes(100),
    ],
)
def test_what_is_nothing_that_can_be_read_is_refused_with_a_remedy(content: bytes) -> None:
    with pytest.raises(UnsupportedFormat) as refused:
        format_of(content, "strange.txt")
    assert "strange.txt" in refused.value.message
    assert refused.value.hint


def test_noise_is_no_text() -> None:
    noise = random.Random(4)
    for size in (200, 4096, 20_000):
        with pytest.raises(ReamoError):
            format_of(bytes(noise.randrange(256) for _ in range(size)))


def test_an_encrypted_office_file_asks_for_its_password() -> None:
    compound = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    with pytest.raises(EncryptedMedia):
        format_of(compound + bytes(500) + "EncryptedPackage".encode("utf-16-le") + bytes(500))
    with pytest.raises(UnsupportedFormat, match="old"):
        format_of(compound + bytes(1000))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-32-be"])
def test_a_text_is_a_text_in_any_unicode_encoding(encoding: str) -> None:
    assert format_of("Alice met Bob in \u0130stanbul \U0001f600.\r\n".encode(encoding)) == "text"


@pytest.mark.parametrize("encoding", ["cp1252", "koi8_r", "shift_jis", "gb18030"])
def test_a_text_is_a_text_in_an_older_encoding(encoding: str) -> None:
    said = {"cp1252": "Größe", "koi8_r": "Привет", "shift_jis": "東京", "gb18030": "北京"}[encoding]
    assert format_of((said * 20).encode(encoding)) == "text"


def test_a_text_whose_first_bytes_end_inside_a_character_is_a_text() -> None:
    content = b"a" + "ä".encode() * HEAD
    assert format_of(content) == "text"


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1))
def test_every_text_without_controls_is_a_text(said: str) -> None:
    content = b"A: " + said.encode()
    try:
        assert format_of(content) in ("text", "pdf", "html")
    except UnsupportedContainer:
        assert "<MPD" in said


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_format_or_a_typed_error(content: bytes) -> None:
    refused: ReamoError | None = None
    try:
        assert format_of(content)
    except ReamoError as error:
        refused = error
    assert refused is None or refused.hint


def test_only_an_extension_of_another_format_misleads() -> None:
    assert has_wrong_extension("a.jpg", "png")
    assert has_wrong_extension("a.MP4", "matroska")
    assert not has_wrong_extension("a.JPG", "jpeg")
    assert not has_wrong_extension("a.log", "text")
    assert not has_wrong_extension("a", "png")
