"""A writer of flowing text: the text that a person would read, with the stretches that a person would not see."""

from reamo_mcp.media.decoded import HiddenSpan


class FlowingText:
    """Collects text with collapsed white space and separate paragraphs, and remembers what is hidden."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._last = "\n"
        self._space = False
        self._hidden: list[HiddenSpan] = []

    def write(self, text: str, *, hidden: bool, verbatim: bool = False) -> None:
        """Add text; runs of white space become one space unless it is ``verbatim``."""
        if verbatim:
            self._flush_space()
            self._add(text, hidden)
            return
        words = text.split()
        if not words:
            self._space = self._space or bool(text)
            return
        if text[0].isspace():
            self._space = True
        self._flush_space()
        self._add(" ".join(words), hidden)
        self._space = text[-1].isspace()

    def end_line(self) -> None:
        """Begin a new line, if the current one holds anything."""
        self._space = False
        if self._last != "\n":
            self._add("\n", hidden=False)

    def separate(self, mark: str) -> None:
        """Add a mark such as a tab between two things of one line."""
        self._space = False
        if self._last not in ("\n", mark):
            self._add(mark, hidden=False)

    def finished(self) -> tuple[str, tuple[HiddenSpan, ...]]:
        """Return the text and its hidden stretches."""
        return "".join(self._parts), tuple(self._hidden)

    def _flush_space(self) -> None:
        if self._space and not self._last.isspace():
            self._add(" ", hidden=False)
        self._space = False

    def _add(self, text: str, hidden: bool) -> None:
        if not text:
            return
        start, self._length = self._length, self._length + len(text)
        self._parts.append(text)
        self._last = text[-1]
        if hidden:
            if self._hidden and self._hidden[-1].end >= start - 1:  # a space or line end between two hidden stretches
                self._hidden[-1] = HiddenSpan(self._hidden[-1].start, self._length)
            else:
                self._hidden.append(HiddenSpan(start, self._length))
