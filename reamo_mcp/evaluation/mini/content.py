"""The words of MUIE-mini: invented names and the sentences that tell relations and events.

In a sentence ``{role:X}`` stands for a name and ``[word]`` for the trigger. X says of which kind: P, Q people; O, N
organizations; U a school; L, M places; D a date; Y an amount of money. Each sentence tells one thing of the types asked
for, and no name is part of another.
"""

from dataclasses import dataclass
from typing import Literal

FIRST_NAMES = (
    "Mara Tomas Ingrid Kwame Leila Anders Priya Hugo Nadia Emil Sofia Omar Clara Viktor Amina Jonas Greta Rafael Yuki"
    " Oscar"
).split()
LAST_NAMES = (
    "Lindqvist Okafor Brandt Haddad Novak Costa Fischer Petrov Nakamura Sorensen Almeida Kowalski Rossi Keller Dubois"
    " Hansen Moreau Varga Tanaka Whitfield"
).split()
ORGANIZATIONS = (
    "Northwind Foundation",
    "Harbor Institute",
    "Blue Mountain Bank",
    "Meridian Airlines",
    "Silverline Motors",
    "Cobalt Records",
    "Redwood Hospital",
    "Falcon Logistics",
    "Polar Energy",
    "Amber Theatre Company",
)
SCHOOLS = ("Lakeside University", "Granite College", "Eastgate University", "Willow Park Academy")
HARD_PEOPLE = (
    "Ludwig van Beek",
    "Maria de la Cruz",
    "Okonkwo",
    "Zendra",
    "Hye-jin Park",
    "Paris Holloway",
    "Florence Wells",
    "Jean-Luc Ferrand",
)
"""Names of one word, with particles and hyphens, or that could be places."""
HARD_ORGANIZATIONS = (
    "Kestrel",
    "Nokavia",
    "Lindgren and Sons",
    "Jordan Blake Partners",
    "Studio Nine",
    "Save the Rivers",
    "Doctors for Peace",
    "Tilde",
)
"""Names of one word, of people, or that read like phrases."""
HARD_PLACES = ("New Haven", "Saint Helier", "Rio Verde", "Kirkby Stephen", "Chelm", "Upper Marlow", "Vada", "Lorne")
"""Places that no short list has, of two words, or like names of people."""
PLACES = (
    "Lisbon Nairobi Oslo Toronto Krakow Santiago Helsinki Osaka Dublin Lima Hanoi Geneva Porto Accra Bergen".split()
)
MONTHS = "January February March April June July August September October November December".split()
AMOUNTS = (
    "forty million dollars",
    "three million euros",
    "nine thousand dollars",
    "two billion euros",
    "sixty thousand pounds",
)

TYPE_OF = {
    "P": "person",
    "Q": "person",
    "O": "organization",
    "N": "organization",
    "U": "organization",
    "L": "location",
    "M": "location",
    "D": "date",
    "Y": "money",
}


@dataclass(frozen=True)
class Pattern:
    """A sentence and what it tells: a relation (roles ``head`` and ``tail``) or an event."""

    kind: Literal["relation", "event"]
    type: str
    sentence: str


def _patterns(kind: Literal["relation", "event"], table: dict[str, tuple[str, ...]]) -> tuple[Pattern, ...]:
    return tuple(Pattern(kind, name, sentence) for name, sentences in table.items() for sentence in sentences)


RELATIONS = _patterns(
    "relation",
    {
        "works for": ("{head:P} works for {tail:O}.", "{tail:O} employs {head:P}.", "{head:P} has a job at {tail:O}."),
        "leads": (
            "{head:P} is the chairman of {tail:O}.",
            "{tail:O} is headed by {head:P}.",
            "{head:P} leads {tail:O}.",
        ),
        "founder of": ("{head:P} founded {tail:O}.", "{tail:O} was started by {head:P}."),
        "born in": ("{head:P} was born in {tail:L}.", "{tail:L} is the birthplace of {head:P}."),
        "lives in": ("{head:P} lives in {tail:L}.", "{head:P} has a home in {tail:L}."),
        "spouse": ("{head:P} is married to {tail:Q}.", "{head:P} is the spouse of {tail:Q}."),
        "studied at": ("{head:P} studied at {tail:U}.", "{head:P} was a student at {tail:U}."),
        "headquartered in": ("{head:O} is based in {tail:L}.", "{head:O} has its head office in {tail:L}."),
    },
)
EVENTS = _patterns(
    "event",
    {
        "meeting": (
            "{Participant:P} [met] {Participant:Q} in {Place:L}.",
            "{Participant:P} and {Participant:Q} held [talks] in {Place:L} on {Time:D}.",
        ),
        "travel": (
            "{Traveller:P} [flew] to {Destination:L} on {Time:D}.",
            "{Traveller:P} [travelled] from {Origin:L} to {Destination:M}.",
        ),
        "purchase": ("{Buyer:O} [bought] {Object:N} for {Price:Y}.", "{Buyer:O} [acquired] {Object:N} on {Time:D}."),
        "resignation": ("{Person:P} [resigned] from {Organization:O} on {Time:D}.",),
        "appointment": ("{Organization:O} [appointed] {Person:P} on {Time:D}.",),
        "arrest": ("{Person:P} was [arrested] in {Place:L}.",),
        "death": ("{Victim:P} [died] in {Place:L} on {Time:D}.",),
        "marriage": ("{Person:P} [married] {Person:Q} in {Place:L}.",),
        "birth": ("{Person:P} was [born] in {Place:L} on {Time:D}.",),
        "payment": ("{Giver:O} [donated] {Money:Y} to {Recipient:U}.",),
        "injury": ("{Victim:P} was [injured] in {Place:L}.",),
    },
)
LEADS = (
    "According to several reports, ",
    "As was told afterwards, ",
    "It is well known that ",
    "Contrary to the first rumours, ",
)
"""Beginnings that move a name away from the start of a sentence."""
CAPITAL_FILLERS = (
    "The Bible lay open on the table.",
    "Most guests spoke English or Arabic.",
    "An iPhone was left behind on a chair.",
    "GREAT NEWS, as they say.",
)
"""Fillers with capitals that name nothing of the types asked for."""
FILLERS = (
    "Nobody in the audience had expected it.",
    "The news spread quickly among friends.",
    "Few details were given at first.",
    "There was a long silence before the applause.",
    "Everything else remains as it was.",
    "It came as a surprise to many.",
)
"""Sentences that tell nothing of the types asked for."""
