"""Questions that are wider than the types of one set, in the words of the shipped ontologies.

A label of a set is what its annotators agreed on; a user asks in plain words. Each question here names the types of
the sets that answer it, so that the ontologies `general`, `gmner`, `mnre` and `m2e2` are learned from the same texts.
"""

from reamo_mcp.models.embedded.text_extractor_labels import label_text


def _entity(name: str, *descriptions: str) -> tuple[str, ...]:
    return tuple(label_text("entity", name, description) for description in descriptions)


_PEOPLE = ("person", "researcher", "writer", "musicalartist", "politician", "scientist")
_GROUPS = ("organisation", "band", "politicalparty", "university")

WIDER_ENTITIES: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {
    _entity("person", "A named person or fictional character", ""): {
        "crossner": _PEOPLE,
        "redocred": ("PER",),
    },
    _entity("organization", "A named company, agency, party, team, band or institution", ""): {
        "crossner": _GROUPS,
        "redocred": ("ORG",),
        "wnut17": ("corporation", "group"),
    },
    _entity("location", "A named place: country, city, region, mountain, river", ""): {
        "crossner": ("location", "country"),
    },
    _entity("work of art", "A titled book, film, song, picture or play", ""): {
        "crossner": ("book", "poem", "album", "song"),
        "wnut17": ("creative-work",),
    },
    _entity("product", "A named product, vehicle, device or program"): {"wnut17": ("product",)},
    _entity("event", "A named happening: war, election, tournament, festival, storm"): {
        "crossner": ("event", "election", "conference"),
    },
    _entity("date", ""): {"redocred": ("TIME",)},
}
"""Texts of the question, and for each set the types that answer it."""


def _relation(name: str, *descriptions: str) -> tuple[str, ...]:
    return tuple(label_text("relation", name, description) for description in ("", *descriptions))


WIDER_RELATIONS: dict[tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...]]] = {
    _relation("works for", "is or was employed by"): (("P108", "EMPLOYEE_OR_MEMBER_OF"), ("CEO",)),
    _relation("leads", "is head or chairman of"): ((), ("P488", "P6", "P35", "CEO")),
    _relation("founder of", "started the organization"): ((), ("P112", "FOUNDED_BY")),
    _relation("member of", "belongs to"): (("P463", "P54", "P102", "POLITICAL_AFFILIATION"), ()),
    _relation("born in", "place or date of birth"): (("P19", "P569", "PLACE_OF_BIRTH", "DATE_OF_BIRTH"), ()),
    _relation("died in", "place or date of death"): (("P20", "P570", "DATE_OF_DEATH"), ()),
    _relation("lives in", "has their home in"): (("P551", "PLACE_OF_RESIDENCE"), ()),
    _relation("citizen of", "country or nationality"): (("P27", "NATIONALITY"), ()),
    _relation("spouse", "is or was married to"): (("P26", "SPOUSE"), ()),
    _relation("couple"): (("P26", "SPOUSE"), ()),
    _relation("parent of", "is father or mother of"): (("P40",), ("CHILD_OF", "P22", "P25")),
    _relation("sibling", "is brother or sister of"): (("P3373",), ()),
    _relation("studied at", "was a student of"): (("P69", "EDUCATED_AT"), ()),
    _relation("creator of", "wrote, made or designed"): (
        ("P800",),
        ("P50", "P170", "P178", "P176", "P57", "P86", "P58", "P175"),
    ),
    _relation("headquartered in", "has its main office in"): (("P159", "HEADQUARTERS"), ()),
    _relation("subsidiary of", "is owned by"): (("P749", "P127", "SUBSIDIARY_OF"), ("P355",)),
    _relation("located in", "lies or takes place in"): (("P131", "P17", "P276", "P30", "P706"), ("P150",)),
    _relation("part of", "belongs to a larger one"): (("P361", "P179", "P1441"), ("P527",)),
    _relation("place of birth"): (("P19", "PLACE_OF_BIRTH"), ()),
    _relation("place of residence"): (("P551", "PLACE_OF_RESIDENCE"), ()),
    _relation("locate at"): (("P159", "P131", "P17", "HEADQUARTERS"), ()),
}
"""Texts of the question; the types that answer it, and those that answer it from tail to head."""


def _event(name: str, *descriptions: str) -> tuple[str, ...]:
    return tuple(label_text("event", name, description) for description in (*descriptions, ""))


_ATTACK = ("Attack", "Terrorism", "Hostile_encounter", "Destroying", "Conquering")
_MOVING = ("Arriving", "Departing", "Traveling", "Bringing", "Sending")

WIDER_EVENTS: dict[tuple[str, ...], tuple[tuple[str, ...], dict[str, str]]] = {
    _event("attack", "An act that harms or damages, such as a bombing, a shooting or a battle"): (
        _ATTACK,
        {
            "Assailant": "attacker",
            "Terrorist": "attacker",
            "Destroyer": "attacker",
            "Conqueror": "attacker",
            "Victim": "target",
            "Undesirable_event": "target",
            "Weapon": "instrument",
            "Instrument": "instrument",
            "Place": "place",
            "Time": "time",
        },
    ),
    _event("demonstration", "People gather in public to demand or protest"): (
        ("Protest",),
        {"Protagonist": "participant", "Place": "place", "Time": "time"},
    ),
    _event("demonstrate", "People gather in public to demand or protest"): (
        ("Protest",),
        {"Protagonist": "entity", "Place": "place"},
    ),
    _event("meeting", "People come together to talk, at one place or by telephone"): (
        ("Come_together", "Social_event"),
        {"Individuals": "participant", "Place": "place", "Time": "time"},
    ),
    _event("meet", "People come together at one place to talk"): (
        ("Come_together", "Social_event"),
        {"Individuals": "entity", "Place": "place"},
    ),
    _event("phone or write", "People communicate by telephone, letter or message"): (
        ("Writing",),
        {"Communicator": "entity", "Interlocutors": "entity", "Addressee": "entity"},
    ),
    _event("statement", "Somebody says or announces something in public"): (
        ("Statement", "Telling"),
        {"Speaker": "speaker", "Addressee": "audience", "Place": "place", "Time": "time"},
    ),
    _event("arrest", "Somebody is taken into custody"): (
        ("Arrest",),
        {"Suspect": "person", "Authorities": "agent", "Place": "place", "Time": "time"},
    ),
    _event("arrest or jail", "Somebody is taken into custody"): (
        ("Arrest",),
        {"Suspect": "person", "Authorities": "agent", "Place": "place"},
    ),
    _event("death", "Somebody dies, by violence or not"): (
        ("Death", "Killing"),
        {
            "Deceased": "victim",
            "Protagonist": "victim",
            "Victim": "victim",
            "Killer": "agent",
            "Instrument": "instrument",
            "Place": "place",
            "Time": "time",
        },
    ),
    _event("die", "Somebody's life ends, by violence or not"): (
        ("Death", "Killing"),
        {
            "Deceased": "victim",
            "Protagonist": "victim",
            "Victim": "victim",
            "Killer": "agent",
            "Instrument": "instrument",
            "Place": "place",
        },
    ),
    _event("injury", "Somebody is hurt"): (
        ("Bodily_harm",),
        {"Victim": "victim", "Agent": "agent", "Instrument": "instrument"},
    ),
    _event("travel", "People or things are moved from one place to another"): (
        _MOVING,
        {
            "Theme": "traveller",
            "Self_mover": "traveller",
            "Traveler": "traveller",
            "Traveller": "traveller",
            "Source": "origin",
            "Goal": "destination",
            "Carrier": "vehicle",
            "Time": "time",
        },
    ),
    _event("transport", "People or things are moved from one place to another"): (
        _MOVING,
        {
            "Theme": "artifact",
            "Self_mover": "artifact",
            "Traveler": "artifact",
            "Traveller": "artifact",
            "Agent": "agent",
            "Sender": "agent",
            "Source": "origin",
            "Goal": "destination",
            "Carrier": "vehicle",
        },
    ),
    _event("purchase", "Something is bought, sold or taken over"): (
        ("Commerce_buy", "Commerce_sell"),
        {"Buyer": "buyer", "Seller": "seller", "Goods": "object", "Money": "price", "Place": "place", "Time": "time"},
    ),
    _event("payment", "Money is given, lent or granted"): (
        ("Commerce_pay",),
        {"Buyer": "giver", "Seller": "recipient", "Money": "money", "Time": "time"},
    ),
    _event("transfer money", "Money is given, received, lent or borrowed"): (
        ("Commerce_pay",),
        {"Buyer": "giver", "Seller": "recipient", "Money": "money"},
    ),
    _event("competition", "A match, race or contest is held, won or lost"): (
        ("Competition",),
        {"Place": "place", "Time": "time"},
    ),
    _event("disaster", "An accident, storm, flood, fire or earthquake"): (
        ("Catastrophe",),
        {"Cause": "cause", "Undergoer": "victim", "Patient": "victim", "Place": "place", "Time": "time"},
    ),
}
"""Texts of the question; the types of GENEVA that answer it, and its roles with the names asked for."""
