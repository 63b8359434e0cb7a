"""What a file is, by its first bytes. The extension never decides; unknown content is refused.

Whether a container of time (mov, matroska, ogg, mpegts ...) holds pictures or only sound is known after `describe`.
"""

import unicodedata
from dataclasses import dataclass
from pathlib import PurePath

from reamo_mcp.errors import EncryptedMedia, ReamoError, UnsupportedContainer, UnsupportedFormat
from reamo_mcp.types.media import MediaKind

HEAD = 4096

_READABLE = (
    "Give text, Markdown, HTML, PDF, DOCX, a picture (JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF, HEIC), "
    "a recording (WAV, FLAC, MP3, OGG, OPUS, M4A, AAC) or a video (MP4, MOV, MKV, WebM, AVI, MPEG-TS)"
)


@dataclass(frozen=True)
class Sniffed:
    """The kind and format of a content. ``mov``, ``matroska``, ``ogg`` and ``mpegts`` name container families."""

    kind: MediaKind
    format: str


_EXTENSIONS: dict[str, frozenset[str]] = {
    "jpeg": frozenset({"jpg", "jpeg", "jpe", "jfif"}),
    "png": frozenset({"png", "apng"}),
    "gif": frozenset({"gif"}),
    "webp": frozenset({"webp"}),
    "tiff": frozenset({"tif", "tiff"}),
    "bmp": frozenset({"bmp", "dib"}),
    "avif": frozenset({"avif", "avifs"}),
    "heic": frozenset({"heic", "heif", "hif"}),
    "pdf": frozenset({"pdf"}),
    "docx": frozenset({"docx", "docm", "dotx"}),
    "html": frozenset({"html", "htm", "xhtml"}),
    "wav": frozenset({"wav", "wave"}),
    "flac": frozenset({"flac"}),
    "mp3": frozenset({"mp3", "mp2", "mpga"}),
    "aac": frozenset({"aac", "adts"}),
    "ogg": frozenset({"ogg", "oga", "ogv", "opus", "spx"}),
    "mov": frozenset({"mp4", "mov", "m4v", "m4a", "m4b", "3gp", "3g2", "qt"}),
    "matroska": frozenset({"mkv", "mka", "webm", "mks", "mk3d"}),
    "avi": frozenset({"avi"}),
    "mpegts": frozenset({"ts", "mts", "m2ts", "tsv"}),
}
_KNOWN_EXTENSIONS = frozenset[str]().union(*_EXTENSIONS.values())

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_MOV_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})


def sniff(head: bytes, size: int, name: str) -> Sniffed:
    """Return what a content of ``size`` bytes that begins with ``head`` (up to `HEAD` bytes) is.

    ``name`` is used in messages only. Raises UnsupportedFormat, UnsupportedContainer or EncryptedMedia.
    """
    if size == 0:
        raise UnsupportedFormat(f"{name} is empty", "Give a file that has content")
    found = _binary(head)
    if found is not None:
        return found
    refusal = _refused(head, name)
    if refusal is not None:
        raise refusal
    text = _start_of_text(head, whole=size <= len(head))
    if text is None:
        raise UnsupportedFormat(f"the content of {name} is of no type that can be read", _READABLE)
    return _textual(text, name)


def has_wrong_extension(name: str, format: str) -> bool:
    """Return whether a name ends as another format's names do."""
    extension = PurePath(name).suffix.lower().lstrip(".")
    if extension not in _KNOWN_EXTENSIONS:
        return False
    return extension not in _EXTENSIONS.get(format, frozenset())


def _binary(head: bytes) -> Sniffed | None:
    starts = head.startswith
    if starts(b"\xff\xd8\xff"):
        return Sniffed("image", "jpeg")
    if starts(b"\x89PNG\r\n\x1a\n"):
        return Sniffed("image", "png")
    if starts((b"GIF87a", b"GIF89a")):
        return Sniffed("image", "gif")
    if starts((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return Sniffed("image", "tiff")
    if starts(b"BM") and len(head) >= 26 and head[6:10] == bytes(4):
        return Sniffed("image", "bmp")
    if starts(b"RIFF") or starts(b"RF64"):
        return _riff(head)
    if head[4:8] == b"ftyp":
        return _iso(head)
    if head[4:8] in _MOV_ATOMS:
        return Sniffed("video", "mov")
    if starts(b"\x1aE\xdf\xa3"):
        return Sniffed("video", "matroska")
    if starts(b"OggS"):
        return Sniffed("audio", "ogg")
    if starts(b"fLaC"):
        return Sniffed("audio", "flac")
    if starts(b"ID3"):
        return Sniffed("audio", "mp3")
    if b"%PDF-" in head[:1024]:
        return Sniffed("document", "pdf")
    if starts(b"PK\x03\x04") and (b"[Content_Types].xml" in head or b"word/" in head):
        return Sniffed("document", "docx")  # a spreadsheet may look the same here; the decoder looks inside
    return _raw_streams(head)


def _riff(head: bytes) -> Sniffed | None:
    match head[8:12]:
        case b"WAVE":
            return Sniffed("audio", "wav")
        case b"WEBP":
            return Sniffed("image", "webp")
        case b"AVI ":
            return Sniffed("video", "avi")
        case _:
            return None


def _iso(head: bytes) -> Sniffed:
    length = min(int.from_bytes(head[:4], "big"), len(head), 256)
    brands = {head[at : at + 4] for at in (8, *range(16, length - 3, 4))}
    if brands & _AVIF_BRANDS:
        return Sniffed("image", "avif")
    if head[8:12] in _HEIF_BRANDS:
        return Sniffed("image", "heic")
    if head[8:12] in (b"M4A ", b"M4B "):
        return Sniffed("audio", "mov")
    return Sniffed("video", "mov")


def _raw_streams(head: bytes) -> Sniffed | None:
    for packet in (188, 192):
        first = packet - 188
        if len(head) > first + 2 * packet and all(head[first + packet * number] == 0x47 for number in range(3)):
            return Sniffed("video", "mpegts")
    if len(head) > 3 and head[0] == 0xFF:
        if head[1] & 0xF6 == 0xF0:
            return Sniffed("audio", "aac")
        layer, rate, frequency = head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
        if (
            head[1] & 0xE0 == 0xE0
            and head[1] >> 3 & 3 != 1
            and layer in (1, 2)
            and rate not in (0, 15)
            and frequency != 3
        ):
            return Sniffed("audio", "mp3")
    return None


def _refused(head: bytes, name: str) -> ReamoError | None:
    """Return the refusal of what is recognised and not read."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"#EXTM3U", b"ffconcat version", b"[playlist]", b"v=0\r", b"v=0\no=")) or b"<MPD" in head:
        return UnsupportedContainer(
            f"{name} is a playlist, not media", "Give the media file itself; what a list points to is never opened"
        )
    if start.startswith(b"%!PS") or start.startswith(b"\xc5\xd0\xd3\xc6"):
        return UnsupportedFormat(f"{name} is PostScript", "Convert it to PDF or PNG")
    if b"<svg" in head[:2048].lower():
        return UnsupportedFormat(f"{name} is an SVG drawing", "Convert it to PNG or PDF")
    if start.startswith(b"PK\x03\x04") or start.startswith(b"PK\x05\x06"):
        return UnsupportedFormat(f"{name} is an archive", "Unpack it and give the files in it")
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in head:
            return EncryptedMedia(f"{name} asks for a password", "Save it without a password and try again")
        return UnsupportedFormat(
            f"{name} is an old or encrypted Office file", "Save it as DOCX or PDF, without a password"
        )
    return None


def _start_of_text(head: bytes, whole: bool) -> str | None:
    """Return the start of a text, None if the bytes are no text in any usual encoding."""
    for mark, encoding in (
        (b"\xff\xfe\x00\x00", "utf-32-le"),
        (b"\x00\x00\xfe\xff", "utf-32-be"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
        (b"\xef\xbb\xbf", "utf-8"),
    ):
        if head.startswith(mark):
            return _plausible(head[len(mark) :].decode(encoding, "replace"), wide=encoding != "utf-8")
    wide = unmarked_wide_encoding(head)
    if wide is not None:
        return _plausible(head.decode(wide, "replace"), wide=True)
    try:
        text = head.decode("utf-8", "strict" if whole else "ignore")
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    return _plausible(text, wide=False)


def _plausible(text: str, wide: bool) -> str | None:
    """Return the text, None if it is empty or holds more control signs than texts do.

    In UTF-8 its form proves a text; of two or four bytes almost all give some character, so in a ``wide`` encoding
    code points without one count as well.
    """
    controls = sum(character < " " and character not in "\t\n\r\f\v\b\x1b" for character in text)
    strange = sum(one == "\ufffd" or unicodedata.category(one) in ("Cn", "Co", "Cs") for one in text) if wide else 0
    few = controls <= max(1, len(text) // 50) and strange <= max(2, len(text) // 10)
    return text if text and few else None


def unmarked_wide_encoding(head: bytes) -> str | None:
    """Return the UTF-16 or UTF-32 encoding that the zeros of a text without byte order mark give away."""
    sample = head[: len(head) // 4 * 4]
    if len(sample) < 4 or b"\x00" not in sample:
        return None
    zeros = [sample[place::4].count(0) / (len(sample) // 4) for place in range(4)]
    if zeros[0] > 0.9 and zeros[1] > 0.9 and zeros[3] < 0.1:
        return "utf-32-be"
    if zeros[3] > 0.9 and zeros[2] > 0.9 and zeros[0] < 0.1:
        return "utf-32-le"
    even, odd = (zeros[0] + zeros[2]) / 2, (zeros[1] + zeros[3]) / 2
    if odd > 0.3 and even < 0.05:
        return "utf-16-le"
    if even > 0.3 and odd < 0.05:
        return "utf-16-be"
    return None


def _textual(text: str, name: str) -> Sniffed:
    start = text.lstrip("\ufeff \t\r\n").lower()
    if start.startswith(("<!doctype html", "<html", "<head", "<body")):
        return Sniffed("document", "html")
    if start.startswith(("<?xml", "<!--")) and "<html" in start:
        return Sniffed("document", "html")
    if start.startswith("push graphic-context"):
        raise UnsupportedFormat(f"{name} is a vector drawing", "Convert it to PNG or PDF")
    return Sniffed("text", "text")
