"""Rows of pictures: bombs, lies, damage, and what must simply work."""

import io
import struct
import zlib

import numpy
from PIL import Image

from tests.hostile.rows import Ground, Row, file

_FRAME = b"!\xf9\4\0\1\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0"


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, depth: int = 8, colour: int = 0, row: bytes | None = None, rows: int | None = None
) -> bytes:
    """Return a PNG of equal rows; fewer ``rows`` than its height make its header a lie."""
    line = bytes(width * {0: 1, 2: 3, 6: 4}[colour] * depth // 8) if row is None else row
    packer, parts = zlib.compressobj(9), list[bytes]()
    for _ in range(height if rows is None else rows):
        parts.append(packer.compress(b"\0" + line))
    parts.append(packer.flush())
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", b"".join(parts)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def encoded(format: str, size: tuple[int, int] = (320, 240), mode: str = "RGB", **options: int) -> bytes:
    """Return a gradient in this format."""
    stream = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(stream, format, **options)
    return stream.getvalue()


def _oriented(orientation: int) -> bytes:
    stream, exif = io.BytesIO(), Image.Exif()
    exif[274] = orientation
    Image.linear_gradient("L").resize((64, 48)).convert("RGB").save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def tiff(next_pages: list[int]) -> bytes:
    """Return a TIFF with a page of one pixel for each number, which is where its next page begins; 114 bytes each."""
    content = b"II*\0\x08\0\0\0"
    for following in next_pages:
        pixel = len(content) + 102
        fields = (
            (256, 3, 1),
            (257, 3, 1),
            (258, 3, 8),
            (259, 3, 1),
            (262, 3, 1),
            (273, 4, pixel),
            (278, 3, 1),
            (279, 4, 1),
        )
        content += struct.pack("<H", 8)
        content += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in fields)
        content += struct.pack("<I", following) + b"\x80" + bytes(11)
    return content


def _gif(frames: int) -> bytes:
    return b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + _FRAME * frames + b";"


def _animated(format: str) -> bytes:
    frames = [Image.new("L", (32, 32), number % 256) for number in range(200)]
    stream = io.BytesIO()
    frames[0].save(stream, format.upper(), save_all=True, append_images=frames[1:], duration=10)
    return stream.getvalue()


def _with_text(text: bytes, kind: bytes = b"zTXt") -> bytes:
    plain = png(8, 8)
    return plain[:33] + chunk(kind, text) + plain[33:]


def _xmp(ground: Ground) -> bytes:
    packet = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "{ground.secret.as_uri()}">]><x>&e;</x>'
    return _with_text(b"XML:com.adobe.xmp\0\0\0\0\0" + packet.encode(), b"iTXt")


def _svg(ground: Ground) -> bytes:
    return (
        f'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "{ground.secret.as_uri()}">]>'
        f'<svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text><image href="{ground.canary}/svg"/></svg>'
    ).encode()


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def picture_rows() -> list[Row]:
    """Return rows 11 to 21b."""
    noise = numpy.random.default_rng(7).bytes(100_000)
    return [
        file("11", "gray_169mp.png", "too_large", lambda _: png(13_000, 13_000), bomb=True),
        file("11", "rgb_169mp.png", "too_large", lambda _: png(13_000, 13_000, 8, 2), big=True, bomb=True),
        file("12", "lying_100k.png", "too_large", lambda _: png(100_000, 100_000, 1, 0, bytes(12_500), 1), bomb=True),
        file("12", "full_100k.png", "too_large", lambda _: png(100_000, 100_000, 1, 0, bytes(12_500)), big=True),
        file("12", "lying_30mp.png", "corrupt_media", lambda _: png(6_000, 5_000, rows=1), bomb=True),
        file("12", "lacks_a_row.png", "corrupt_media", lambda _: png(6_000, 5_000, rows=4_999), bomb=True),
        *(
            file("13", f"frames_{count}.gif", "ok", lambda _, count=count: _gif(count), bomb=True)
            for count in (5_000, 100_000)
        ),
        *(
            file("13", f"frames.{name}", "ok", lambda _, name=name: _animated(name), bomb=True)
            for name in ("webp", "png", "avif")
        ),
        file("14", "loop.tif", "ok", lambda _: tiff([8]), bomb=True),
        file("14", "pages_10000.tif", "ok", lambda _: tiff([8 + 114 * (n + 1) for n in range(9_999)] + [0]), bomb=True),
        *(
            file("15", f"half.{name.lower()}", "corrupt_media", lambda _, name=name: _half(encoded(name)))
            for name in ("JPEG", "PNG", "WEBP")
        ),
        file("15", "ended.jpeg", "corrupt_media", lambda _: _half(encoded("JPEG", (640, 480))) + b"\xff\xd9"),
        file("16", "empty.png", "unsupported_format", lambda _: b""),
        file("16", "zeros.png", "unsupported_format", lambda _: bytes(100_000)),
        file("16", "noise.png", "unsupported_format", lambda _: noise),
        file("17", "then_archive.png", "ok", lambda _: png(8, 8) + b"PK\5\6" + bytes(18)),
        file("17", "png_named.jpg", "ok", lambda _: png(8, 8)),
        *(
            file("18", f"turned{number}.jpg", "ok", lambda _, number=number: _oriented(number))
            for number in range(1, 9)
        ),
        file("19", "cmyk.jpg", "ok", lambda _: encoded("JPEG", mode="CMYK")),
        file("19", "gray16.png", "ok", lambda _: png(64, 64, 16, 0, struct.pack(">64H", *[50 * 257] * 64))),
        file("19", "alpha.webp", "ok", lambda _: encoded("WEBP", mode="RGBA")),
        file("20", "entity.svg", "unsupported_format", _svg),
        file("20", "postscript.png", "unsupported_format", lambda _: b"%!PS-Adobe-3.0 EPSF-3.0\nshowpage\n"),
        file(
            "20",
            "drawing.jpg",
            "unsupported_format",
            lambda ground: f'push graphic-context\nviewbox 0 0 9 9\nfill "url({ground.canary}/im)"\n'.encode(),
        ),
        file("21", "one.png", "ok", lambda _: png(1, 1)),
        file("21", "thin.png", "ok", lambda _: png(1, 20_000)),
        file("21", "wide.png", "ok", lambda _: png(20_000, 1)),
        file(
            "21b",
            "text_bomb.png",
            "ok corrupt_media",
            lambda _: _with_text(b"k\0\0" + zlib.compress(bytes(8 << 20), 9)),
            bomb=True,
        ),
        file("21b", "xmp_entity.png", "ok", _xmp),
    ]
