"""HTML to the text that a browser would show, without running or fetching anything."""

import re
from dataclasses import replace
from html.parser import HTMLParser

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import DecodedText
from reamo_mcp.media.flowing import FlowingText
from reamo_mcp.types.extraction import Notice
from reamo_mcp.types.reading import Fact

_PIECE = 1 << 16
_DEEPEST = 1000
_SKIPPED = frozenset({"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "head", "select"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd"}
    | {"label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}
    | {"img", "input", "meta", "link"}
)
_DECLARATION = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_UNSEEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0*)?\s*(?:;|$|!)"
    r"|font-size\s*:\s*0(?:\.0*)?\s*(?:px|pt|em|rem|%)?\s*(?:;|$|!)|(?:left|top|text-indent)\s*:\s*-\d{4,}",
    re.IGNORECASE,
)
_LONGEST_FACT = 1000


def declared_encoding(data: bytes) -> str | None:
    """Return the encoding that an HTML file declares in its first bytes."""
    found = _DECLARATION.search(data[:2048])
    return found.group(1).decode("ascii") if found else None


def visible_text(source: DecodedText, control: Control) -> DecodedText:
    """Return the flowing text of decoded HTML, hidden elements marked, author and title as facts.

    Only the elements' own attributes and inline styles are looked at; style sheets are not applied.
    """
    reader = _Reader()
    for start in range(0, len(source.text), _PIECE):
        control.check()
        control.progress(start, len(source.text), "characters")
        reader.feed(source.text[start : start + _PIECE])
    reader.close()
    text, hidden = reader.flow.finished()
    notices = source.notices
    if hidden:
        count = sum(span.end - span.start for span in hidden)
        notices = (*notices, Notice(code="hidden_text", message=f"{count} characters are hidden from its readers"))
    return replace(source, text=text, hidden=hidden, facts=tuple(reader.facts()), notices=notices)


class _Reader(HTMLParser):
    """Writes what is visible; keeps its own stack of open elements, so nothing recurses."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.flow = FlowingText()
        self._open: list[tuple[str, bool, bool]] = []  # tag, skipped, hidden (both inherited)
        self._beyond = 0  # elements opened below the deepest level
        self._title: list[str] | None = None
        self._named: dict[str, str] = {}

    def facts(self) -> list[Fact]:
        """Return the title and the author that the head names."""
        types = {"author": "person", "created": "date"}
        return [Fact(name=name, value=value, type=types.get(name)) for name, value in self._named.items()]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "meta":
            self._note(attributes)
        if tag == "title" and "title" not in self._named and not self._is_skipped("svg"):
            self._title = []
        if tag == "br":
            self.flow.end_line()
        elif tag in ("td", "th"):
            self.flow.separate("\t")
        elif tag not in _INLINE:
            self.flow.end_line()
        if tag in _VOID:
            return
        if tag in ("body", "p") and self._open and self._open[-1][0] == "head":
            self._open.pop()  # a head that was not closed ends where the body begins
        if len(self._open) >= _DEEPEST:
            self._beyond += 1
            return
        _, skipped, hidden = self._open[-1] if self._open else ("", False, False)
        hidden = hidden or "hidden" in attributes or bool(_UNSEEN.search(attributes.get("style", "")[:2000]))
        self._open.append((tag, skipped or tag in _SKIPPED, hidden))

    def handle_endtag(self, tag: str) -> None:
        if tag == "title" and self._title is not None:
            self._name("title", " ".join("".join(self._title).split()))
            self._title = None
        if tag not in _INLINE and tag not in ("td", "th"):
            self.flow.end_line()
        if self._beyond:
            self._beyond -= 1
            return
        for depth in range(len(self._open) - 1, max(-1, len(self._open) - 20), -1):
            if self._open[depth][0] == tag:
                del self._open[depth:]  # what was left open inside ends as well
                return

    def handle_data(self, data: str) -> None:
        if self._title is not None:
            self._title.append(data)
            return
        tag, skipped, hidden = self._open[-1] if self._open else ("", False, False)
        if not skipped:
            self.flow.write(data, hidden=hidden, verbatim=tag in ("pre", "textarea"))

    def _is_skipped(self, tag: str) -> bool:
        return any(name == tag for name, _, _ in self._open[-20:])

    def _note(self, attributes: dict[str, str]) -> None:
        said = (attributes.get("name") or attributes.get("property") or "").lower()
        names = {
            "author": "author",
            "article:author": "author",
            "description": "description",
            "date": "created",
            "article:published_time": "created",
        }
        if said in names:
            self._name(names[said], " ".join(attributes.get("content", "").split()))

    def _name(self, name: str, value: str) -> None:
        if value and name not in self._named:
            self._named[name] = value[:_LONGEST_FACT]
