"""Files of every type, damaged in seeded ways, through the decoder child: typed errors only, no hang."""

import random
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import pytest

from reamo_mcp.errors import EngineFailed, ReamoError
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.child_decoder import ChildDecoder
from reamo_mcp.media.decoded import FramePlan, OpenFile, Outcome
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.media.opening import Allowed, open_file
from reamo_mcp.settings import Limits
from tests.hostile.documents import docx, page, paragraph, pdf
from tests.hostile.pictures import encoded
from tests.hostile.recordings import made, silence, video
from tests.media_samples import write_tone

_WORD = b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
LIMITS = Limits(decoder_silence=10.0)
GO = Unlimited()


def _tone(suffix: str, codec: str) -> bytes:
    return made(suffix, lambda path: write_tone(path, 1, codec=codec))


MAKERS: dict[str, Callable[[], bytes]] = {
    "jpg": lambda: encoded("JPEG"),
    "png": lambda: encoded("PNG"),
    "gif": lambda: encoded("GIF", mode="P"),
    "webp": lambda: encoded("WEBP"),
    "tif": lambda: encoded("TIFF"),
    "bmp": lambda: encoded("BMP"),
    "avif": lambda: encoded("AVIF"),
    "pdf": lambda: pdf(page(b"BT /F 12 Tf 20 150 Td (Alice met Bob) Tj ET", deflate=True)),
    "docx": lambda: docx(_WORD + paragraph(b"Alice met Bob") * 50 + b"</w:body></w:document>"),
    "html": lambda: b"<!doctype html><html><head><title>T</title></head><body>" + b"<p>Alice <b>met</b> Bob" * 50,
    "txt": lambda: "Alice traf Bob in M\u00fcnchen. \u5317\u4eac ".encode() * 50,
    "mp4": video,
    "mkv": lambda: video(".mkv"),
    "ts": lambda: video(".ts"),
    "avi": lambda: video(".avi"),
    "wav": lambda: silence(),
    "flac": lambda: _tone(".flac", "flac"),
    "mp3": lambda: _tone(".mp3", "libmp3lame"),
    "ogg": lambda: _tone(".ogg", "libopus"),
    "m4a": lambda: _tone(".m4a", "aac"),
}


def mutant(content: bytes, seed: str) -> bytes:
    """Return a damaged copy: flipped, overwritten, cut, doubled or extreme bytes, most often near the header."""
    chance = random.Random(seed)
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        reach = len(data) if chance.random() < 0.5 else min(len(data), 256)
        at = chance.randrange(max(1, reach))
        match chance.randrange(6):
            case 0:
                data[at : at + 1] = bytes((data[at] ^ 1 << chance.randrange(8),)) if at < len(data) else b""
            case 1:
                data[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4), b"\x80\0\0\0"))
            case 2:
                del data[at : at + chance.randrange(1, 64)]
            case 3:
                data[at:at] = data[at : at + chance.randrange(1, 256)]
            case 4:
                data[at:at] = chance.randbytes(chance.randrange(1, 32))
            case _:
                del data[max(1, at) :]
    return bytes(data)


def read_all(decoder: Decoder, file: OpenFile) -> None:
    """Decode everything that a file holds."""
    described = decoder.describe(file, GO)
    if described.kind == "image":
        decoder.picture(file, 1280, GO)
    elif described.kind in ("audio", "video"):
        if described.has_sound:
            list(decoder.sound(file, None, Outcome(), GO))
        if described.kind == "video":
            list(decoder.frames(file, FramePlan(), Outcome(), GO))
        decoder.subtitles(file, GO)
    elif described.pages:
        list(decoder.pages(file, None, Outcome(), GO))
        decoder.page_picture(file, 1, 400, GO)
    else:
        decoder.text(file, GO)


@pytest.fixture(scope="module")
def decoder() -> Generator[ChildDecoder]:
    with closing(ChildDecoder(LIMITS)) as decoder:
        yield decoder


def check(decoder: ChildDecoder, folder: Path, kind: str, first: int, count: int) -> None:
    content, path = MAKERS[kind](), folder / f"damaged.{kind}"
    allowed = Allowed.named()
    for number in range(first, first + count):
        path.write_bytes(mutant(content, f"{kind} {number}"))
        try:
            with open_file(str(path), allowed, LIMITS, GO) as file:
                read_all(decoder, file)
        except EngineFailed as error:
            pytest.fail(f"mutant {kind!r} {number} met a defect: {error}")
        except ReamoError as error:
            if "took too long" in error.message:
                pytest.fail(f"mutant {kind!r} {number} hangs")


@pytest.mark.parametrize("kind", MAKERS)
def test_a_few_damaged_files_end_in_a_result_or_a_typed_error(kind: str, decoder: ChildDecoder, tmp_path: Path) -> None:
    check(decoder, tmp_path, kind, 0, 5)


@pytest.mark.parametrize(
    ("kind", "number"), [("docx", 1), ("avif", 2), ("avi", 45), ("pdf", 281), ("pdf", 380), ("wav", 1148)]
)
def test_what_once_made_the_decoder_fail_does_so_no_more(
    kind: str, number: int, decoder: ChildDecoder, tmp_path: Path
) -> None:
    check(decoder, tmp_path, kind, number, 1)


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", MAKERS)
def test_many_damaged_files_end_in_a_result_or_a_typed_error(kind: str, decoder: ChildDecoder, tmp_path: Path) -> None:
    check(decoder, tmp_path, kind, 5, 300)


@pytest.mark.parametrize("kind", MAKERS)
def test_the_undamaged_file_is_read(kind: str, decoder: ChildDecoder, tmp_path: Path) -> None:
    path = tmp_path / f"sound.{kind}"
    path.write_bytes(MAKERS[kind]())
    with open_file(str(path), Allowed.named(), LIMITS, GO) as file:
        read_all(decoder, file)
