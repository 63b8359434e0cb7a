"""Names in the form in which they are compared: folded tokens, with what belongs to a name but not to the person."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from reamo_mcp.linking.dates import day_form

ReadAs = Literal["text", "picture", "speech"]
Sex = Literal["male", "female"]

_KINDS = {
    "person": "person people human per politician athlete actor artist musician author journalist scientist character",
    "organization": "organization organisation org company corporation business institution agency band team club"
    " party newspaper university",
    "location": "location loc place gpe city town village country state region continent province county"
    " geo-political-entity geopolitical-entity",
}
_KIND_OF = {name.replace("-", " "): kind for kind, names in _KINDS.items() for name in names.split()} | {
    "geo-political entity": "location",
    "government agency": "organization",
    "political party": "organization",
    "sports team": "organization",
}
_MALE = frozenset("mr mister sir lord herr señor senor don".split())
_FEMALE = frozenset("mrs ms miss mme mlle madame madam lady dame frau señora senora doña dona".split())
# Left out on purpose: king, queen, prince, pope, saint: there the title is a part of the name.
TITLES = (
    _MALE
    | _FEMALE
    | frozenset(
        "dr doctor prof professor president chancellor minister premier senator sen representative rep governor gov"
        " mayor judge justice general gen colonel col major captain capt lieutenant lt sergeant sgt admiral commander"
        " ambassador secretary chairman chairwoman director reverend rev rabbi imam father coach officer detective"
        " chief prime vice deputy foreign defense defence finance interior former acting attorney congressman"
        " congresswoman speaker".split()
    )
)
_SUFFIXES = {
    "jr": "jr",
    "junior": "jr",
    "sr": "sr",
    "senior": "sr",
    "phd": "",
    "md": "",
    "esq": "",
    "obe": "",
    "mbe": "",
}
_NUMERAL = re.compile(r"^(?:I{1,3}|I?V|VI{1,3}|I?X|XI{1,3}|XI?V|XVI{0,3})$")
_PARTICLES = frozenset("von van der den de del della di da dos das du la le el al bin ibn ter ten zu zur af av".split())
_COMPANY = frozenset(
    "inc incorporated corp corporation co company ltd limited plc ag gmbh sa nv bv llc llp kg kgaa se spa ab asa oyj"
    " group holdings holding".split()
)
_SMALL_WORDS = frozenset("of the and for in on at to de des du la le les et y e und der die das für fur del".split())
_DOTTED = re.compile(r"^(?:[^\W\d_]\.){2,}[^\W\d_]?\.?$")
_TOKEN = re.compile(r"[^\W_]+(?:['-][^\W_]+)*|&")
_KNOWN_FORMS = {"us": "united states", "usa": "united states", "united states of america": "united states"}


def kind_of(type_name: str) -> str:
    """Return the kind within which names of a type are compared: person, organization, location, or the type itself."""
    name = " ".join(type_name.replace("_", " ").casefold().split())
    return _KIND_OF.get(name, name)


@dataclass(frozen=True)
class NameForm:
    """A name of one kind in the form in which it is compared.

    ``tokens`` are folded (case, accents, width) and free of titles, possessives, articles, legal forms of companies.
    ``acronym`` is set if the name looks like one; ``qualifier`` is what follows the comma of a place.
    """

    kind: str
    tokens: tuple[str, ...]
    suffix: str = ""
    sex: Sex | None = None
    titled: bool = False
    qualifier: str = ""
    acronym: str = ""
    initials: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The tokens as one string."""
        return " ".join(self.tokens)

    @property
    def surname(self) -> tuple[str, ...]:
        """The last token of a person's name with the particles before it."""
        at = len(self.tokens) - 1
        while at > 1 and self.tokens[at - 1] in _PARTICLES:
            at -= 1
        return self.tokens[at:]


@lru_cache(maxsize=65_536)
def name_form(name: str, kind: str, read_as: ReadAs) -> NameForm:
    """Return the form of a name of ``kind`` (see `kind_of`) as read in a text, a picture, or heard in speech."""
    surface = _without_possessive(" ".join(_folded_signs(name).split()).strip(" .,;:!?\"'()[]"))
    acronym = _acronym(surface, read_as)
    tokens = _tokens(surface, kind, acronym)
    match kind:
        case "person":
            return _person(surface, tokens, acronym)
        case "location":
            head, _, rest = surface.partition(",")
            place = _without_article(_tokens(head, kind, acronym))
            known = _KNOWN_FORMS.get(acronym or " ".join(place))
            return NameForm(
                kind,
                tuple(known.split()) if known else place,
                qualifier=" ".join(_tokens(rest, kind, "")),
                acronym="" if known else acronym,
                initials=_initials(place),
            )
        case "organization":
            own = _without_article(tokens)
            short = _without_company_form(own)
            return NameForm(kind, short, acronym=acronym, initials=(*_initials(own), *_initials(short)))
        case "date" if day := day_form(surface):
            return NameForm(kind, (day,))
        case _:
            own = _without_article(tokens)
            return NameForm(kind, own, acronym=acronym, initials=_initials(own))


def folded(text: str) -> str:
    """Return a text without case, accents and width."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(character for character in decomposed if unicodedata.category(character) != "Mn")
    return unicodedata.normalize("NFC", kept)


def _folded_signs(name: str) -> str:
    return name.translate(_SIGNS)


_SIGNS = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "–": "-", "‐": "-", "‑": "-", "\u00ad": None})


def _without_possessive(name: str) -> str:
    if len(name) > 3 and name[-2:].casefold() == "'s":
        return name[:-2]
    return name[:-1] if len(name) > 3 and name.endswith(("s'", "S'")) else name


def _acronym(surface: str, read_as: ReadAs) -> str:
    if " " in surface:
        letters = surface.split()
        spelled = read_as == "speech" and all(len(letter.rstrip(".")) == 1 for letter in letters)
        return "".join(letter[0] for letter in letters).casefold() if spelled else ""
    plain = surface.replace(".", "")
    if not 2 <= len(plain) <= 8 or not plain.isalpha():
        return ""
    if read_as == "speech" and plain.islower():
        return plain if len(plain) >= 4 else ""
    capitals = sum(character.isupper() for character in plain)
    return plain.casefold() if plain.isupper() or (capitals >= 2 and len(plain) <= 5 and plain[-1].isupper()) else ""


def _tokens(surface: str, kind: str, acronym: str) -> tuple[str, ...]:
    if acronym and " " not in surface:
        return (acronym,)
    tokens: list[str] = []
    for part in surface.replace("&", " & ").replace(",", " ").split():
        if _DOTTED.match(part):
            letters = [letter.casefold() for letter in part if letter.isalpha()]
            tokens.extend(letters if kind == "person" else ["".join(letters)])
        else:
            tokens.extend(_TOKEN.findall(folded(part)))
    return tuple("and" if token == "&" else token for token in tokens) or (folded(surface),)


def _without_article(tokens: tuple[str, ...]) -> tuple[str, ...]:
    return tokens[1:] if len(tokens) > 1 and tokens[0] == "the" else tokens


def _without_company_form(tokens: tuple[str, ...]) -> tuple[str, ...]:
    own = tokens
    while len(own) > 1 and own[-1] in _COMPANY:
        own = own[:-1]
    if own != tokens and len(own) > 1 and own[-1] == "motor":
        own = own[:-1]
    return own[:-1] if len(own) > 2 and own != tokens and own[-1] == "and" else own


def _initials(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Return what the name may be shortened to: the first letters with and without small words."""
    if len(tokens) < 2:
        return ()
    parts = [part for token in tokens for part in token.split("-")]
    short = "".join(part[0] for part in parts if part not in _SMALL_WORDS)
    return tuple({short, "".join(part[0] for part in parts)} - {short[:1]})


def _person(surface: str, tokens: tuple[str, ...], acronym: str) -> NameForm:
    own = list(tokens)
    sex: Sex | None = None
    titled = False
    while len(own) > 1 and own[0] in TITLES:
        title = own.pop(0)
        titled = True
        sex = "male" if title in _MALE else "female" if title in _FEMALE else sex
    suffix = ""
    while len(own) > 1 and own[-1] in _SUFFIXES:
        suffix = _SUFFIXES[own.pop()] or suffix
    if len(own) > 1 and _NUMERAL.match(surface.split()[-1]):
        suffix = own.pop()
    initials = ("".join(token[0] for token in own),) if len(own) > 2 else ()
    return NameForm("person", tuple(own), suffix, sex, titled, acronym=acronym, initials=initials)
