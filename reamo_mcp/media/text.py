"""Bytes of a text file to Unicode. Offsets count in exactly what this returns: line ends are kept as they are.

What was not Unicode text (undecodable bytes, lone surrogates, NUL) becomes U+FFFD and is told in a notice.
"""

import codecs
import os

from reamo_mcp.errors import CorruptMedia, SourceChanged, UnsupportedFormat
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import DecodedText, OpenFile
from reamo_mcp.media.sniffing import unmarked_wide_encoding
from reamo_mcp.settings import Limits
from reamo_mcp.types.extraction import Notice

REPLACEMENT = "\ufffd"
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
    (codecs.BOM_UTF8, "utf-8", "utf-8"),
)
_LEGACY = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r"),
    *("shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"),
)
# A declared name is untrusted: Python knows codecs that unpack or escape.
_DECLARABLE = frozenset({*_LEGACY, *(f"iso8859-{part}" for part in range(1, 17)), "koi8-u", "ascii", "utf-8"})
_SAMPLE = 200_000


def load_text(file: OpenFile, limits: Limits, control: Control) -> DecodedText:
    """Return the text of a text file, HTML or DOCX. Raises TooLarge, CorruptMedia, UnsupportedFormat."""
    if file.format == "docx":
        from reamo_mcp.media.docx import load_docx

        return load_docx(file, limits, control)
    data = _read(file, control)
    if file.format == "html":
        from reamo_mcp.media.html import declared_encoding, visible_text

        return visible_text(decode(data, file.name, declared_encoding(data)), control)
    return decode(data, file.name)


def decode(data: bytes, name: str, declared: str | None = None) -> DecodedText:
    """Return the bytes as Unicode: by byte order mark, as UTF-8, as declared, and only then by a guess.

    A guess is told in a notice. Raises UnsupportedFormat if the bytes look like text in no known encoding.
    """
    for mark, codec, encoding in _MARKS:
        if data.startswith(mark):
            return _finished(data[len(mark) :].decode(codec, "replace"), encoding, name)
    wide = unmarked_wide_encoding(data[:4096])
    if wide is not None:
        return _finished(data.decode(wide, "replace"), wide, name)
    try:
        return _finished(data.decode("utf-8"), "utf-8", name)
    except UnicodeDecodeError:
        pass
    if declared is not None and (known := _declarable(declared)) is not None:
        try:
            return _finished(data.decode(known), known, name)
        except UnicodeDecodeError:
            pass
    if _is_damaged_utf8(data):
        return _finished(data.decode("utf-8", "replace"), "utf-8", name)
    return _guessed(data, name)


def _read(file: OpenFile, control: Control) -> bytes:
    parts: list[bytes] = []
    position = 0
    while position < file.size:
        control.check()
        try:
            part = os.pread(file.fd, min(1 << 22, file.size - position), position)
        except OSError:
            raise CorruptMedia(f"{file.name} cannot be read from its disk", "Name a copy on another one") from None
        if not part:
            raise SourceChanged(f"{file.name} changed while it was read", "Try again once nothing writes to it")
        parts.append(part)
        position += len(part)
    return b"".join(parts)


def _declarable(declared: str) -> str | None:
    try:
        name = codecs.lookup(declared).name
    except LookupError:
        return None
    if name in ("iso8859-1", "ascii"):
        return "cp1252"  # as browsers read it
    return name if name in _DECLARABLE else None


def _is_damaged_utf8(data: bytes) -> bool:
    """Return whether most of what is not ASCII is well-formed UTF-8 (or encodes lone surrogates)."""
    sample = data[:_SAMPLE].decode("utf-8", "replace")
    broken = sample.count(REPLACEMENT)
    sound = sum(character > "\x7f" for character in sample) - broken
    if sound >= broken:
        return True
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _guessed(data: bytes, name: str) -> DecodedText:
    encoding = _likely_encoding(data[:_SAMPLE])
    if encoding is None:
        raise UnsupportedFormat(f"{name} is text in an encoding that cannot be told", "Save it as UTF-8")
    guess = Notice(code="encoding_guessed", message=f"{name} does not say its encoding: read as {encoding}")
    decoded = _finished(data.decode(encoding, "replace"), encoding, name)
    return DecodedText(decoded.text, encoding, notices=(guess, *decoded.notices))


def _likely_encoding(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes

    matches = from_bytes(sample, cp_isolation=list(_LEGACY))
    best = matches.best()
    if best is None:
        return None
    if best.encoding == "cp1250":  # short Western texts look Central European as well; the more frequent one wins a tie
        western = from_bytes(sample, cp_isolation=["cp1252"]).best()
        if western is not None and western.coherence >= best.coherence:
            return "cp1252"
    return best.encoding


def _finished(text: str, encoding: str, name: str) -> DecodedText:
    text = text.replace("\0", REPLACEMENT)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    replaced = text.count(REPLACEMENT)
    if not replaced:
        return DecodedText(text, encoding)
    message = f"{name} holds {replaced} characters that are no text in {encoding}; they stand as {REPLACEMENT}"
    return DecodedText(text, encoding, notices=(Notice(code="undecodable", message=message),))
