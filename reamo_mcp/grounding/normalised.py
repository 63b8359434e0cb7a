"""The normal form in which quotes are compared, with a way back to the code points of the source.

What is folded: letter case, compatibility forms (ligatures, full and half width, presentation forms), composed against
decomposed characters, white space (line breaks too; between characters of scripts that write none it is dropped),
kinds of quotation marks and dashes, soft hyphens and zero-width characters, and hyphens at line ends.

What is not: superscripts, subscripts, fractions and circled numbers keep their own signs, so that ``5²`` never equals
``52``; digits, signs, words and punctuation stay as they are.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

_PLAIN = r"[!-~]++(?!\S)(?: [!-~]++(?!\S))*+"  # ASCII words with single blanks: only their case can change
_PIECE = re.compile(rf"(?P<plain>{_PLAIN})|(?P<space>\s+)|(?P<word>\S+)")
_HYPHENS = "-‐\u00ad"
_DROPPED = dict.fromkeys(
    map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff" + "".join(map(chr, range(0xFE00, 0xFE10)))), ""
)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff\ufe00-\ufe0f]")
_FOLDED = (
    _DROPPED
    | dict.fromkeys(map(ord, "‘’‚‛ʼ′`´"), "'")
    | dict.fromkeys(map(ord, "“”„‟″«»"), '"')
    | dict.fromkeys(map(ord, "‐‑‒–—―−﹣"), "-")
)
_KEPT_FORMS = ("<super>", "<sub>", "<fraction>", "<circle>")
# Scripts that write no blanks between words: Thai to Myanmar, Khmer, CJK with kana, and Hangul, whose particles follow
# a name without a blank.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u9fff"
    r"\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
)
# White space means nothing between two of these, or between one of them and a full-width punctuation mark.
_IDEOGRAPH = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3001-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9d"
    r"\U00020000-\U0003ffff]"
)
_WIDE_MARKS = frozenset("，。！？：；（）、")


def is_unspaced(character: str) -> bool:
    """Return whether the character belongs to a script in which words touch."""
    return _UNSPACED.match(character) is not None


def is_word_character(character: str) -> bool:
    """Return whether the character can be part of a word or number."""
    return character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"


class NormalisedText:
    """A text in normal form that knows, for each stretch of it, the stretch of the source.

    Built in time linear in the source. ``keep_hyphens`` decides what a hyphen at a line end is: part of the word
    (``well-`` / ``known`` gives ``well-known``), or made by the line break (``inter-`` / ``national`` gives
    ``international``). Both are true of real texts, so a search tries both.
    """

    def __init__(self, source: str, *, keep_hyphens: bool = False) -> None:
        self.source = source
        self.keep_hyphens = keep_hyphens
        self.broken_words = 0
        forms: list[str] = []
        self._starts: list[int] = []  # of each piece in the normal form
        self._pieces: list[tuple[int, int, bool]] = []  # its stretch of the source, and whether offsets run along
        length = 0
        for match in _PIECE.finditer(source):
            start, end = match.span()
            plain = False
            if match["space"] is not None:
                form = self._blank(start, end)
            else:
                said = source[start:end]
                plain = match["plain"] is not None
                form = said.lower() if plain else _folded_word(said)
                # Where no sign became several or none, offsets run along with the source.
                plain = plain or (len(form) == len(said) and unicodedata.is_normalized("NFKC", said))
                if self._breaks_after(end):
                    self.broken_words += 1
                    if not keep_hyphens:
                        form = form[:-1] if form.endswith("-") else form
            forms.append(form)
            self._starts.append(length)
            self._pieces.append((start, end, plain))
            length += len(form)
        self.text = "".join(forms)

    def _breaks_after(self, end: int) -> bool:
        """Whether the word that ends here is cut by a hyphen and goes on in the next line."""
        source = self.source
        if end < 2 or source[end - 1] not in _HYPHENS or not source[end - 2].isalpha():
            return False
        rest = _LINE_BREAK.match(source, end)
        return rest is not None and source[rest.end() : rest.end() + 1].isalpha()

    def _blank(self, start: int, end: int) -> str:
        before, after = self.source[start - 1 : start], self.source[end : end + 1]
        left, right = _IDEOGRAPH.match(before) is not None, _IDEOGRAPH.match(after) is not None
        if (left and (right or after in _WIDE_MARKS)) or (right and before in _WIDE_MARKS):
            return ""
        return "" if self._breaks_after(start) else " "

    def occurrences(self, form: str) -> Iterator[tuple[int, int]]:
        """Yield the stretches of the source whose normal form is ``form``, which has no blank at its ends."""
        at = self.text.find(form) if form else -1
        while at >= 0:
            start, end = self._source_start(at), self._source_end(at + len(form))
            if start is not None and end is not None:
                yield start, end
            at = self.text.find(form, at + 1)

    def _source_start(self, at: int) -> int | None:
        piece = bisect_right(self._starts, at) - 1
        start, end, plain = self._pieces[piece]
        into = at - self._starts[piece]
        if plain or into == 0:
            return start + into
        for cluster in _clusters(self.source[start:end]):
            if into <= 0:
                break
            into -= len(_folded(cluster))
            start += len(cluster)
        return start if into == 0 else None

    def _source_end(self, at: int) -> int | None:
        piece = bisect_right(self._starts, at - 1) - 1
        start, end, plain = self._pieces[piece]
        into = at - self._starts[piece]
        if plain:
            return start + into
        for cluster in _clusters(self.source[start:end]):
            if into <= 0:
                break
            into -= len(_folded(cluster))
            start += len(cluster)
        return start if into == 0 else None


_LINE_BREAK = re.compile(r"[^\S\n\r\f\v]*[\n\r\f\v]\s*")


def normalised(text: str, *, keep_hyphens: bool = False) -> str:
    """Return the normal form of a text, without blanks at its ends."""
    return NormalisedText(text.strip(), keep_hyphens=keep_hyphens).text.strip()


def squeezed(text: str) -> str:
    """Return a form without blanks and hyphens that holds the same form of every quote that the text says.

    It has no way back to the source, is made at the speed of the built-in functions, and so tells cheaply that a
    quote is *not* there.
    """
    form = unicodedata.normalize("NFKC", text).translate(_FOLDED).casefold()
    return "".join(form.split()).replace("-", "")


def _clusters(word: str) -> list[str]:
    """Split a word into characters with the marks, jamo and invisible signs that follow them."""
    clusters: list[str] = []
    for character in word:
        continues = (
            ord(character) in _DROPPED or unicodedata.category(character)[0] == "M" or "\u1160" <= character <= "\u11ff"
        )
        if continues and clusters:
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters


def _folded_word(word: str) -> str:
    # Then nothing composes, and sign by sign is the same as all at once.
    if unicodedata.is_normalized("NFKC", word) and not _INVISIBLE.search(word):
        return word.translate(_FOLDED).casefold()
    return "".join(map(_folded, _clusters(word)))


@lru_cache(maxsize=16_384)
def _folded(cluster: str) -> str:
    if any(unicodedata.decomposition(character).startswith(_KEPT_FORMS) for character in cluster):
        return unicodedata.normalize("NFC", cluster).translate(_DROPPED)
    return unicodedata.normalize("NFKC", cluster.translate(_FOLDED)).translate(_FOLDED).casefold()
