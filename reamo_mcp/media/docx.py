"""DOCX to flowing text. Nothing is unpacked to disk, no reference is followed, any DOCTYPE is refused."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from xml.parsers import expat

from reamo_mcp.errors import CorruptMedia, EncryptedMedia, TooLarge, UnsupportedFormat
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import DecodedText, OpenFile
from reamo_mcp.media.flowing import FlowingText
from reamo_mcp.media.stream import FileStream
from reamo_mcp.settings import Limits
from reamo_mcp.types.extraction import Notice
from reamo_mcp.types.reading import Fact

_MOST_MEMBERS = 10_000
_MOST_DIRECTORY = 4 << 20  # bytes of the list of members; each of the most members may have 400
_LOCATOR, _WIDE_RECORD = 20, 56  # bytes of what stands before the end of a list with numbers of 64 bits
_MOST_RATIO = 100
_SMALL = 1 << 20  # of which any ratio is harmless
_PIECE = 1 << 16
_DEEPEST = 500
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main "
_STRICT_WORD = "http://purl.oclc.org/ooxml/wordprocessingml/main "
_COMPATIBILITY = "http://schemas.openxmlformats.org/markup-compatibility/2006 "
_FACTS = {
    "http://purl.org/dc/elements/1.1/ title": ("title", None),
    "http://purl.org/dc/elements/1.1/ subject": ("subject", None),
    "http://purl.org/dc/elements/1.1/ creator": ("author", "person"),
    "http://purl.org/dc/terms/ created": ("created", "date"),
    "http://purl.org/dc/terms/ modified": ("modified", "date"),
}
_TINY = 4  # half-points
_WHITE = "FFFFFF"
# What Python's reader of archives raises for damage of one kind or another; a RuntimeError is an unknown encryption.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, OSError, struct.error),
    *(NotImplementedError, ValueError, LookupError, RuntimeError),
)


def load_docx(file: OpenFile, limits: Limits, control: Control) -> DecodedText:
    """Return the text of a DOCX: body, then notes, then headers and footers.

    Raises TooLarge for archives that unpack beyond the limits, CorruptMedia, EncryptedMedia, and UnsupportedFormat
    for archives that are no DOCX.
    """
    try:
        _check_size(file, limits)
        with zipfile.ZipFile(FileStream(file.fd)) as archive:
            members = _checked(archive, file, limits)
            body = _Body()
            for part in _parts(members):
                _parse(archive, members[part], body, file, limits, control)
            facts = _Facts()
            if "docProps/core.xml" in members:
                _parse(archive, members["docProps/core.xml"], facts, file, limits, control)
    except _DAMAGE as error:
        raise CorruptMedia(
            f"{file.name} is damaged and cannot be read ({type(error).__name__})", "Take an undamaged copy"
        ) from None
    text, hidden = body.flow.finished()
    notices = ()
    if hidden:
        count = sum(span.end - span.start for span in hidden)
        notices = (Notice(code="hidden_text", message=f"{count} characters are hidden from its readers"),)
    return DecodedText(text, "utf-8", hidden=hidden, facts=tuple(facts.found), notices=notices)


def _check_size(file: OpenFile, limits: Limits) -> None:
    """Refuse archives of very many members before Python's reader lists them all."""
    stream = FileStream(file.fd)
    stream.seek(max(0, file.size - 22 - (1 << 16)))
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise zipfile.BadZipFile
    members, size = struct.unpack_from("<H", tail, at + 10)[0], struct.unpack_from("<I", tail, at + 12)[0]
    wide = at - _LOCATOR - _WIDE_RECORD
    if wide >= 0 and tail.startswith(b"PK\x06\x06", wide) and tail.startswith(b"PK\x06\x07", at - _LOCATOR):
        members, size = struct.unpack_from("<QQ", tail, wide + 32)  # numbers of 64 bits replace the others
    if members > _MOST_MEMBERS or size > _MOST_DIRECTORY:
        raise TooLarge(f"{file.name} holds more than {_MOST_MEMBERS} members", "Save the document anew and try again")


def _checked(archive: zipfile.ZipFile, file: OpenFile, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name, within the limits. Declared sizes are checked again while reading."""
    infos = archive.infolist()
    if len(infos) > _MOST_MEMBERS:
        raise TooLarge(f"{file.name} holds more than {_MOST_MEMBERS} members", "Save the document anew and try again")
    if sum(info.file_size for info in infos) > limits.most_archive_bytes or any(
        info.file_size > _SMALL and info.file_size > _MOST_RATIO * max(1, info.compress_size) for info in infos
    ):
        raise TooLarge(
            f"{file.name} unpacks to more than is allowed",
            "Save the document anew without large embedded parts, or raise REAMO_MOST_ARCHIVE_BYTES",
        )
    ordered = sorted(infos, key=lambda info: info.header_offset)
    if any(one.header_offset + one.compress_size > two.header_offset for one, two in pairwise(ordered)):
        raise CorruptMedia(f"{file.name} has members that overlap", "Take an undamaged copy")
    members = {info.filename: info for info in infos}
    if any(name.startswith("/") or ".." in name.split("/") for name in members) or "word/document.xml" not in members:
        raise UnsupportedFormat(f"{file.name} is an archive but no DOCX", "Save it as DOCX or PDF")
    if any(info.flag_bits & 1 for info in infos):
        raise EncryptedMedia(f"{file.name} asks for a password", "Save it without a password and try again")
    return members


def _parts(members: dict[str, zipfile.ZipInfo]) -> Iterator[str]:
    """Yield the parts that hold text, in reading order."""
    for start in ("word/document.xml", "word/footnotes.xml", "word/endnotes.xml", "word/header", "word/footer"):
        yield from sorted(name for name in members if name.startswith(start) and name.endswith(".xml"))


def _parse(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    reader: "_Body | _Facts",
    file: OpenFile,
    limits: Limits,
    control: Control,
) -> None:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise UnsupportedFormat(f"{file.name} declares a DOCTYPE, which DOCX forbids", "Save the document anew")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    count = 0
    with archive.open(info) as member:
        while piece := member.read(_PIECE):
            control.check()
            count += len(piece)
            if count > min(limits.most_archive_bytes, info.file_size):
                raise TooLarge(f"{file.name} unpacks to more than it declares", "Save the document anew")
            parser.Parse(piece, False)
        parser.Parse(b"", True)


class _Body:
    """Writes the paragraphs of a WordprocessingML part."""

    def __init__(self) -> None:
        self.flow = FlowingText()
        self._depth = 0
        self._in_text = False
        self._in_properties = False
        self._vanished = False  # of the current run
        self._white = False
        self._shaded = {"run": False, "paragraph": False}
        self._shading = "paragraph"  # what a shading that comes now belongs to
        self._coloured: list[bool] = []  # of the open tables and cells
        self._skipped_at: int | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take note of an element that begins."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise expat.ExpatError("nested too deeply")
        if self._skipped_at is not None:
            return
        if name == f"{_COMPATIBILITY}Fallback":  # says again what its Choice said
            self._skipped_at = self._depth
            return
        match _local(name):
            case "r":
                self._vanished = self._white = self._shaded["run"] = False
            case "p":
                self._shaded["paragraph"] = False
            case "rPr":
                self._in_properties, self._shading = True, "run"
            case "pPr":
                self._shading = "paragraph"
            case "t":
                self._in_text = True
            case "tab":
                self.flow.separate("\t")
            case "br" | "cr":
                self.flow.end_line()
            case "noBreakHyphen":
                self.flow.write("-", hidden=self._hidden())
            case "tbl":
                self._coloured.append(False)
            case "tc":
                self.flow.separate("\t")
                self._coloured.append(False)
                self._shading = "cell"
            case "tblStyle":  # a style may colour its cells: white text in it may well be seen
                self._coloured[-1:] = [True]
            case "vanish" | "webHidden" if self._in_properties:
                self._vanished = _is_on(attributes)
            case "sz" if self._in_properties:
                self._vanished = self._vanished or 0 < _number(_value(attributes)) <= _TINY
            case "color" if self._in_properties:
                self._white = _value(attributes).upper() == _WHITE
            case "shd" | "highlight":
                if self._shading == "cell":
                    self._coloured[-1:] = [True]
                else:
                    self._shaded[self._shading] = True
            case _:
                pass

    def end(self, name: str) -> None:
        """Take note of an element that ends."""
        if self._skipped_at == self._depth:
            self._skipped_at = None
        elif self._skipped_at is None:
            match _local(name):
                case "t":
                    self._in_text = False
                case "rPr":
                    self._in_properties = False
                case "p":
                    self.flow.end_line()
                case "tc" | "tbl":
                    self._coloured[-1:] = []
                case _:
                    pass
        self._depth -= 1

    def characters(self, text: str) -> None:
        """Write the text of a run."""
        if self._in_text and self._skipped_at is None:
            self.flow.write(text, hidden=self._hidden())

    def _hidden(self) -> bool:
        on_white = not any(self._shaded.values()) and not any(self._coloured)
        return self._vanished or (self._white and on_white)


class _Facts:
    """Collects the core properties."""

    def __init__(self) -> None:
        self.found: list[Fact] = []
        self._name: str | None = None
        self._text = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take note of a property that begins."""
        self._name, self._text = (name, "") if name in _FACTS else (None, "")

    def end(self, name: str) -> None:
        """Keep the property that ends."""
        value = " ".join(self._text.split())[:1000]
        if name == self._name and value:
            fact, type_ = _FACTS[name]
            self.found.append(Fact(name=fact, value=value, type=type_))
        self._name = None

    def characters(self, text: str) -> None:
        """Collect the text of a property."""
        if self._name is not None and len(self._text) < 4000:
            self._text += text


def _local(name: str) -> str:
    """Return the local name of a WordprocessingML element, '' for others."""
    for space in (_WORD, _STRICT_WORD):
        if name.startswith(space):
            return name[len(space) :]
    return ""


def _value(attributes: dict[str, str]) -> str:
    return attributes.get(f"{_WORD}val") or attributes.get(f"{_STRICT_WORD}val") or ""


def _is_on(attributes: dict[str, str]) -> bool:
    return _value(attributes).lower() not in ("0", "false", "off")


def _number(value: str) -> float:
    return float(value) if value.isascii() and value.isdigit() else 0.0
