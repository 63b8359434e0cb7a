"""How an English word may be spoken: from the recogniser's dictionary, else from its parts, else from its letters.

The letter rules are coarse: good enough to find the time of a known word in a sound, not to recognise unknown ones.
Phones are those of the CMU dictionary, without stress.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator

Lookup = Callable[[str], str | None]
"""Returns the phones of a word in the dictionary, separated by blanks, None for an unknown word."""

_LONGEST = 30  # letters of a word that is taken for one
_SHORTEST_PART = 3  # letters of a part of a compound
_GRAPHEMES = {
    "tch": "CH", "sch": "SH", "igh": "AY", "eigh": "EY", "ough": "AO", "augh": "AO", "tion": "SH AH N",
    "sion": "ZH AH N", "ture": "CH ER", "cial": "SH AH L", "tial": "SH AH L", "cious": "SH AH S", "que": "K",
    "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "wh": "W", "gh": "G", "ng": "NG", "nk": "NG K", "ck": "K",
    "qu": "K W", "kn": "N", "wr": "R", "dg": "JH", "zh": "ZH", "kh": "K", "cz": "CH", "sz": "SH", "ts": "T S",
    "ee": "IY", "ea": "IY", "ei": "AY", "ie": "IY", "ai": "EY", "ay": "EY", "oa": "OW", "oe": "OW", "oo": "UW",
    "ou": "AW", "ow": "OW", "oi": "OY", "oy": "OY", "au": "AO", "aw": "AO", "eu": "UW", "ew": "UW", "ue": "UW",
    "ui": "UW", "ar": "AA R", "er": "ER", "ir": "ER", "or": "AO R", "ur": "ER", "ia": "IY AH", "io": "IY OW",
    "bb": "B", "cc": "K", "dd": "D", "ff": "F", "gg": "G", "kk": "K", "ll": "L", "mm": "M", "nn": "N", "pp": "P",
    "rr": "R", "ss": "S", "tt": "T", "zz": "Z", "vv": "V", "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH",
    "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA",
    "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip
_LONG = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW", "y": "AY"}
_SUFFIXES = {
    "'s": "Z", "s'": "Z", "s": "Z", "es": "IH Z", "ed": "D", "ing": "IH NG", "er": "ER", "ly": "L IY", "est": "AH S T",
}  # fmt: skip
_VOWELS = frozenset("aeiouy")
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen".split()
)
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
_SIGNS = {"&": "and", "%": "percent", "+": "plus", "@": "at", "$": "dollars", "€": "euros", "£": "pounds"}
_PART = re.compile(r"[a-z']+|\d+|[&%+@$€£]")


def pronunciations(word: str, lookup: Lookup) -> tuple[str, ...]:
    """Return the ways a written word may be spoken, best first; empty for a token without letters or digits."""
    found: list[str] = []
    for parts in _spoken(word):
        phones = [_of_part(part, lookup) for part in parts]
        said = " ".join(phone for phone in phones if phone)
        if said and said not in found:
            found.append(said)
    return tuple(found)


def _spoken(word: str) -> Iterator[list[str]]:
    """Yield the words that are said for a written one: several ways for years and for capitals that may be letters."""
    plain = unicodedata.normalize("NFKD", word.replace("\u2019", "'"))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))[: 2 * _LONGEST]
    joined = re.sub(r"(?<=\d)[,](?=\d{3})", "", plain)
    parts = [part.strip("'") or part for part in _PART.findall(joined.lower()) if part.strip("'")]
    if any(part.isdigit() for part in parts):
        for as_year in (False, True):
            yield [said for part in parts for said in (_number(part, as_year) if part.isdigit() else [_named(part)])]
        return
    letters = re.sub(r"[^A-Za-z]", "", plain)
    if 1 < len(letters) <= 6 and letters.isupper() and (len(letters) < 4 or not _VOWELS & set(letters.lower())):
        yield [f"{letter}." for letter in letters.lower()]
    if parts:
        yield [_named(part) for part in parts]


def _named(part: str) -> str:
    return _SIGNS.get(part, part)


def _number(digits: str, as_year: bool) -> list[str]:
    if as_year and len(digits) == 4 and digits[0] in "12" and digits[1:3] != "00":
        rest = int(digits[2:])
        ending = ["hundred"] if rest == 0 else (["oh"] if rest < 10 else []) + _small(rest)
        return [*_small(int(digits[:2])), *ending]
    if len(digits) > 9 or (len(digits) > 1 and digits[0] == "0"):
        return [_UNITS[int(digit)] for digit in digits]
    return _small(int(digits))


def _small(number: int) -> list[str]:
    for size, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = _small(number % size) if number % size else []
            return [*_small(number // size), name, *rest]
    if number < 20:
        return [_UNITS[number]]
    return [_TENS[number // 10], *([_UNITS[number % 10]] if number % 10 else [])]


def _of_part(word: str, lookup: Lookup) -> str:
    known = lookup(word) or lookup(word.replace("'", ""))
    if known:
        return known
    for suffix, phones in _SUFFIXES.items():
        stem = word.removesuffix(suffix)
        if stem != word and len(stem) >= _SHORTEST_PART:
            known = lookup(stem) or (lookup(f"{stem}e") if suffix in ("ed", "er", "ing", "est") else None)
            if known:
                return f"{known} {phones}"
    letters = re.sub(r"[^a-z]", "", word)[:_LONGEST]
    for cut in range(len(letters) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
        first, second = lookup(letters[:cut]), lookup(letters[cut:])
        if first and second:
            return f"{first} {second}"
    return " ".join(_by_letters(letters))


def _by_letters(letters: str) -> Iterator[str]:
    at = 0
    while at < len(letters):
        rest = letters[at:]
        if rest == "e" and at > 1:
            return  # silent at the end
        if rest[0] in _LONG and len(rest) == 3 and rest[1] not in _VOWELS and rest[2] == "e" and rest[1] not in "xr":
            yield _LONG[rest[0]]  # a vowel before one consonant and a silent e
            at += 1
        elif rest[0] == "y" and at == 0:
            yield "Y"
            at += 1
        elif rest[0] in "cg" and rest[1:2] in ("e", "i", "y") and rest[1:2]:
            yield "S" if rest[0] == "c" else "JH"
            at += 1
        else:
            size = next(size for size in range(min(5, len(rest)), 0, -1) if rest[:size] in _GRAPHEMES)
            if rest == rest[0] and rest in "aoi":
                yield {"a": "AH", "o": "OW", "i": "IY"}[rest]  # as names end
            else:
                yield _GRAPHEMES[rest[:size]]
            at += size
