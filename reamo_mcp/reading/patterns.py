"""Mentions that have a form of their own: dates, times, money, quantities, shares, e-mail, addresses, phone numbers.

Every expression is linear in the text: bounded repetition, no nested quantifiers. Forms are English and ISO; what is
only a word ("Monday", "May", "noon" aside) is left to the text model, since a word alone proves no form.
Phone numbers are found by phonenumberslite (a port of Google's libphonenumber), which knows the numbering plans; those
without an international prefix are not claimed, for their country is unknown.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reamo_mcp.isolation.control import Control
from reamo_mcp.types.ontology import Ontology

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan\.?|Feb\.?|Mar\.?|Apr\.?|Jun\.?|Jul\.?|Aug\.?|Sept?\.?|Oct\.?|Nov\.?|Dec\.?)"
)
_WEEKDAY = (
    r"(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Mon\.?|Tue\.?|Wed\.?|Thu\.?|Fri\.?|Sat\.?|Sun\.?)"
)
_DAY = r"(?:3[01]|[12]\d|0?[1-9])"
_YEAR = r"(?:1\d{3}|20\d{2})"
_NUMBER = r"\d{1,3}(?:,\d{3}){1,5}(?:\.\d{1,6})?|\d{1,15}(?:\.\d{1,6})?"
_MAGNITUDE = r"(?:hundred|thousand|million|billion|trillion|bn|mn|[mk])"
_SPOKEN = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    r"|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion)"
)
_CURRENCY = r"(?:US\$|A\$|C\$|HK\$|NZ\$|S\$|R\$|[$€£¥₹₽₩₺₴₦₱฿]|USD ?|EUR ?|GBP ?|JPY ?|CHF ?|CNY ?|INR ?)"
_CURRENCY_NAME = (
    r"(?:(?:U\.?S\.? |Australian |Canadian |Hong Kong |New Zealand )?dollars?|euros?|pounds?(?: sterling)?|yen|yuan"
    r"|rubles?|roubles?|rupees?|(?:Swiss )?francs?|pesos?|lira|rand|cents?|pence|USD|EUR|GBP|JPY|CHF|CNY|INR)"
)
_UNIT = (
    r"(?:kilomet(?:er|re)s?|met(?:er|re)s?|centimet(?:er|re)s?|millimet(?:er|re)s?|miles?|yards?|feet|foot|inch(?:es)?"
    r"|kilograms?|kilos?|grams?|milligrams?|micrograms?|tons?|tonnes?|pounds? of|ounces?|lit(?:er|re)s?"
    r"|millilit(?:er|re)s?"
    r"|gallons?|barrels?|acres?|hectares?|square (?:kilomet(?:er|re)s?|met(?:er|re)s?|miles?|feet)|cubic met(?:er|re)s?"
    r"|degrees?(?: (?:Celsius|Fahrenheit))?|megawatts?|gigawatts?|kilowatts?(?:-hours?)?|watts?|volts?"
    r"|hertz|megapixels?"
    r"|bytes?|kilobytes?|megabytes?|gigabytes?|terabytes?|calories|knots"
    r"|km/h|mph|km²|km2|m²|m2|m³|km|cm|mm|µm|kg|mg|µg|μg|g|t|lbs?|oz|ml|mL|l|L|ha|MW|GW|kW|kWh|MWh|GWh|TWh|Hz|kHz|MHz|GHz"
    r"|°C|°F|°|kB|KB|MB|GB|TB|Mbit/s|Gbit/s|Mbps|Gbps|dB|kPa|hPa|bar|rpm|kcal|ft|mi|m)"
)
_SPOKEN_NUMBER = rf"{_SPOKEN}(?:[ -]{_SPOKEN}){{0,4}}"
_AMOUNT = rf"(?:{_NUMBER})(?:[  -]?{_MAGNITUDE}\b)?"

_DATE = re.compile(  # its parts may stand on two lines: print wraps
    (
        rf"\b(?:"
        rf"{_YEAR}-(?:1[0-2]|0[1-9])-(?:3[01]|[12]\d|0[1-9])(?![\d-])"
        rf"|(?:{_WEEKDAY},? (?:the )?)?{_DAY}(?:st|nd|rd|th)? (?:of )?{_MONTH}(?:,? {_YEAR})?(?!\d)"
        rf"|(?:{_WEEKDAY},? )?{_MONTH} {_DAY}(?:st|nd|rd|th)?(?!\d|:\d)(?:,? {_YEAR}(?!\d))?"
        rf"|{_MONTH},? (?:of )?{_YEAR}(?!\d)"
        rf"|{_DAY}[./]{_DAY}[./](?:19|20)\d{{2}}(?![\d./]\d)"
        rf"|(?:1[6-9]|20)\d0s\b"
        rf")"
    ).replace(" ", r"[ \n]")
)
_YEAR_ALONE = re.compile(
    rf"\b(?:in|since|until|till|before|after|from|by|during|of|early|late|mid|around|year|between|©|to|and|–|-) ?"
    rf"\(?({_YEAR})"
    rf"(?![\d,.:/%°]\d|[%°\d]|-\d{{1,3}}\b| (?:{_UNIT}|{_CURRENCY_NAME}|{_MAGNITUDE}|people|men|women)\b)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:(?:2[0-3]|[01]?\d):[0-5]\d(?::[0-5]\d)?(?:[  ]?(?:[AaPp]\.[Mm]\.|[AaPp][Mm]\b))?(?!:?\d)"
    r"(?: (?:GMT|UTC|CET|CEST|EST|EDT|PST|PDT|BST)\b)?"
    r"|(?:1[0-2]|0?[1-9])[  ]?(?:[AaPp]\.[Mm]\.|[AaPp][Mm]\b)"
    r"|(?:1[0-2]|[1-9]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve) o['’]clock\b)"
)
_MONEY = re.compile(
    rf"(?<![\w$€£¥]){_CURRENCY}[  ]?{_AMOUNT}(?:[- ]?{_MAGNITUDE}\b)?"
    rf"|\b(?:{_NUMBER})[  ]?[€£₽](?!\w)"
    rf"|\b{_AMOUNT}(?: {_MAGNITUDE})? {_CURRENCY_NAME}\b"
    rf"|\b(?:{_SPOKEN_NUMBER}) {_CURRENCY_NAME}\b",
    re.IGNORECASE,
)
_PERCENTAGE = re.compile(
    rf"(?<![\w.])[-−+]?(?:{_NUMBER})[  ]?(?:%|‰|(?:percent|per cent|percentage points?)\b)"
    rf"|\b{_SPOKEN_NUMBER} (?:percent|per cent|percentage points?)\b",
    re.IGNORECASE,
)
_QUANTITY = re.compile(rf"(?<![\w.,$€£¥/:])[-−]?(?:{_NUMBER})(?:[  -]?{_MAGNITUDE}(?= ))?[  -]?{_UNIT}(?![\w²³/])")
_EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_%+-])?@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,6}[A-Za-z]{2,24}(?![\w-])"
)
_URL = re.compile(
    r"(?<![\w@./-])(?:https?://|ftp://|www\.)[^\s<>\"“”‘’{}|\\^`\u0000-\u001f]{3,2000}"
    r"|(?<![\w@./-])(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,4}"
    r"(?:com|org|net|edu|gov|int|info|eu|de|uk|fr|io|ai|dev)(?![\w@-])(?:/[^\s<>\"“”‘’{}|\\^`]{0,500})?",
    re.IGNORECASE,
)
_MAY_BE_PHONE = re.compile(r"\+[\s(]?\d")

_ASKED_AS = {
    "e-mail address": {"e-mail address", "email address", "e-mail", "email"},
    "url": {"url", "web address", "website", "web site", "link", "uri", "web page"},
    "phone number": {"phone number", "telephone number", "phone", "telephone"},
    "date": {"date", "calendar date"},
    "time": {"time", "time of day", "clock time"},
    "money": {"money", "amount of money", "monetary value", "money amount", "price", "monetary amount"},
    "percentage": {"percentage", "percent", "share in percent"},
    "quantity": {"quantity", "measurement", "measure", "physical quantity"},
}
# Where two forms overlap, the one that stands first here is the narrower claim and wins.
_ORDER = tuple(_ASKED_AS)


_Finder = Callable[[str, int, int], Iterator[tuple[int, int]]]
"""Yields the spans of one form within ``text[start:end]``."""
_BLOCK = 20_000  # characters that are searched between two checks of the control
_LONGEST = 2_500  # characters that a mention may reach beyond its block


@dataclass(frozen=True)
class PatternMention:
    """``text[start:end]`` has the form of ``type``; ``type`` is the name that the ontology gives it."""

    form: str
    type: str
    start: int
    end: int


def asked_forms(ontology: Ontology) -> dict[str, str]:
    """Return the forms that an ontology asks for, each with the name of its entity type."""
    asked: dict[str, str] = {}
    for entity_type in ontology.entity_types:
        name = " ".join(entity_type.name.replace("_", " ").casefold().split())
        for form, names in _ASKED_AS.items():
            if name in names or name.removesuffix("s") in names or name.removesuffix("es") in names:
                asked.setdefault(form, entity_type.name)
    return asked


def find_patterns(text: str, ontology: Ontology, control: Control) -> tuple[PatternMention, ...]:
    """Return the mentions of those types that the ontology asks for, in order and without overlaps.

    Raises what ``control.check`` raises.
    """
    asked = asked_forms(ontology)
    if not asked:
        return ()
    taken: list[PatternMention] = []
    claimed = bytearray(len(text))
    for start in range(0, len(text), _BLOCK):
        control.check()
        for form in _ORDER:
            # A form that was not asked for still claims its place: the number in a URL is no quantity.
            for first, end in _in_block(_FINDERS[form], text, start):
                if first < end and not any(claimed[first:end]):
                    claimed[first:end] = b"\1" * (end - first)
                    if form in asked:
                        taken.append(PatternMention(form, asked[form], first, end))
    return tuple(sorted(taken, key=lambda mention: mention.start))


def _in_block(find: _Finder, text: str, start: int) -> Iterator[tuple[int, int]]:
    """Yield the spans that begin in the block at ``start``; they may end beyond it."""
    stop = start + _BLOCK
    for first, end in find(text, start, stop + _LONGEST):
        if first < stop:
            yield first, end


def _matches(*expressions: re.Pattern[str]) -> _Finder:
    def find(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        for expression in expressions:
            for match in expression.finditer(text, start, end):
                yield match.span(1 if expression.groups else 0)

    return find


def _urls(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _URL.finditer(text, start, end):
        said = match.group().rstrip(".,;:!?'\"*_~")
        while said.endswith((")", "]")) and said.count(said[-1]) > said.count("(" if said[-1] == ")" else "["):
            said = said[:-1].rstrip(".,;:!?'\"")
        yield match.start(), match.start() + len(said)


def _phones(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    if not _MAY_BE_PHONE.search(text, start, end):
        return
    from phonenumbers import PhoneNumberMatcher  # its tables take a moment to load

    for match in PhoneNumberMatcher(text[start:end], None):
        yield start + match.start, start + match.end


_FINDERS: dict[str, _Finder] = {
    "e-mail address": _matches(_EMAIL),
    "url": _urls,
    "phone number": _phones,
    "date": _matches(_DATE, _YEAR_ALONE),
    "time": _matches(_TIME),
    "money": _matches(_MONEY),
    "percentage": _matches(_PERCENTAGE),
    "quantity": _matches(_QUANTITY),
}
