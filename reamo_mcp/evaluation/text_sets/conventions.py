"""The types of every set, in the words that a user would choose.

Where the conventions of two sets clash (Broad Twitter counts account names, GUM every noun phrase), a description tells
them apart: the same name with another description is another question to the model.
"""

from collections.abc import Iterable

from reamo_mcp.types.ontology import EntityType, EventType, RelationType, Role

NAMED = (
    EntityType(name="person", description="A named person or fictional character"),
    EntityType(name="organization", description="A named company, agency, party, team, band or institution"),
    EntityType(name="location", description="A named place: country, city, region, mountain, river"),
)
"""PER, ORG, LOC of Universal NER: what a general user means."""

UNIVERSAL = {"PER": NAMED[0], "ORG": NAMED[1], "LOC": NAMED[2]}


def _described(table: dict[str, tuple[str, str]]) -> dict[str, EntityType]:
    """Return types by the tags of a set, given their names and descriptions."""
    return {tag: EntityType(name=name, description=description) for tag, (name, description) in table.items()}


TWITTER = _described(
    {
        "PER": ("person", "A person named in a tweet, or a person's account"),
        "ORG": ("organization", "An organization named in a tweet, or its account"),
        "LOC": ("location", "A place named in a tweet"),
    }
)

EMERGING = _described(
    {
        "person": ("person", "Somebody's name in noisy text"),
        "location": ("location", "The name of a place or building in noisy text"),
        "corporation": ("corporation", "The name of a company"),
        "group": ("group", "The name of a band, team or group that is no company"),
        "product": ("product", "The name of a product, device or service"),
        "creative-work": ("creative work", "The title of a film, song, book or show"),
    }
)

WIKIPEDIA = _described(
    {
        "PER": ("person", "A person named in an encyclopedia"),
        "ORG": ("organization", "An organization named in an encyclopedia"),
        "LOC": ("location", "A place or nationality named in an encyclopedia"),
        "TIME": ("date", "A day, month, year or period"),
        "NUM": ("number", "A number, amount or share"),
        "MISC": ("miscellaneous", "Any other named thing: event, film, song, product, award"),
    }
)

_CROSS_NAMES = {
    "organisation": "organization",
    "programlang": "programming language",
    "literarygenre": "literary genre",
    "musicalartist": "musical artist",
    "musicgenre": "music genre",
    "musicalinstrument": "musical instrument",
    "politicalparty": "political party",
    "astronomicalobject": "astronomical object",
    "chemicalcompound": "chemical compound",
    "chemicalelement": "chemical element",
    "academicjournal": "academic journal",
    "misc": "miscellaneous",
}
_CROSS_TYPES = {
    "ai": "algorithm task product misc researcher conference university field metrics organisation country programlang "
    "person location",
    "literature": "book writer poem misc award person organisation literarygenre location magazine country event",
    "music": "award album band musicalartist musicgenre organisation song location event misc country person "
    "musicalinstrument",
    "politics": "politician election politicalparty location organisation misc event country person",
    "science": "organisation misc scientist award university person astronomicalobject location chemicalcompound "
    "protein event academicjournal enzyme discipline theory chemicalelement country",
}
CROSS_DOMAINS = tuple(_CROSS_TYPES)


def cross_domain(domain: str) -> dict[str, EntityType]:
    """Return the types of one domain of CrossNER. A plain type there leaves out what has a type of its own."""
    return {
        name: EntityType(name=_CROSS_NAMES.get(name, name), description=f"In an encyclopedia of {domain}")
        for name in _CROSS_TYPES[domain].split()
    }


GUM = {
    name: EntityType(name=name, description=f"Every noun phrase or pronoun for {told}")
    for name, told in {
        "abstract": "an idea or abstract thing",
        "person": "a person or people",
        "place": "a place",
        "event": "a happening",
        "time": "a time or period",
        "organization": "an organization",
        "object": "an object",
        "substance": "a substance",
        "animal": "an animal",
        "plant": "a plant",
    }.items()
}

DEFENCE = {
    name: EntityType(name=told, description="Any mention in defence news")
    for name, told in {
        "CommsIdentifier": "communication identifier",
        "Coordinate": "coordinate",
        "DocumentReference": "document reference",
        "Frequency": "frequency",
        "Location": "location",
        "MilitaryPlatform": "military platform",
        "Money": "money",
        "Nationality": "nationality",
        "Organisation": "organization",
        "Person": "person",
        "Quantity": "quantity",
        "Temporal": "time",
        "Vehicle": "vehicle",
        "Weapon": "weapon",
    }.items()
}

FICTION = _described(
    {
        "PER": ("person", "One or several people, named or not"),
        "FAC": ("facility", "A building, road, room or other construction, named or not"),
        "LOC": ("location", "A place without a government, named or not"),
        "GPE": ("geo-political entity", "A country, city or region with a government"),
        "VEH": ("vehicle", "Something that carries people: car, ship, coach"),
        "ORG": ("organization", "An organized group, named or not"),
    }
)

SEMEVAL = {
    name: RelationType(name=told, description=description)
    for name, (told, description) in {
        "Cause-Effect": ("cause of", "The first thing causes the second"),
        "Instrument-Agency": ("instrument of", "The first thing is used by the second"),
        "Product-Producer": ("product of", "The first thing is made by the second"),
        "Content-Container": ("content of", "The first thing is physically inside the second"),
        "Entity-Origin": ("originates from", "The first thing comes from the second"),
        "Entity-Destination": ("moves to", "The first thing is moving towards the second"),
        "Component-Whole": ("component of", "The first thing is a part of the second"),
        "Member-Collection": ("member of collection", "The first thing is a member of the second"),
        "Message-Topic": ("message about", "The first thing, a communication, is about the second"),
    }.items()
}

KNOWLEDGENET = {
    name: RelationType(name=told)
    for name, told in {
        "EMPLOYEE_OR_MEMBER_OF": "employee or member of",
        "PLACE_OF_RESIDENCE": "place of residence",
        "SPOUSE": "spouse",
        "PLACE_OF_BIRTH": "place of birth",
        "EDUCATED_AT": "educated at",
        "CHILD_OF": "child of",
        "HEADQUARTERS": "headquarters",
        "DATE_OF_BIRTH": "date of birth",
        "FOUNDED_BY": "founded by",
        "NATIONALITY": "nationality",
        "POLITICAL_AFFILIATION": "political affiliation",
        "CEO": "chief executive officer",
        "DATE_OF_DEATH": "date of death",
        "DATE_FOUNDED": "date founded",
        "SUBSIDIARY_OF": "subsidiary of",
    }.items()
}

DEFENCE_RELATIONS = {
    name: RelationType(name=told)
    for name, told in {
        "AlliesOf": "allies of",
        "Apart": "apart",
        "BelongsTo": "belongs to",
        "CoLocated": "co-located",
        "CommWith": "communicates with",
        "Dislikes": "dislikes",
        "FightingAgainst": "fighting against",
        "HasAttrOf": "has attribute",
        "InChargeOf": "in charge of",
        "IsSynonymOf": "is synonym of",
        "Likes": "likes",
    }.items()
}

# Properties that fewrel's list of names lacks, after Wikidata.
_UNLISTED_PROPERTIES = {
    "P577": "publication date",
    "P569": "date of birth",
    "P570": "date of death",
    "P571": "inception",
    "P576": "dissolved",
    "P580": "start time",
    "P582": "end time",
    "P585": "point in time",
}


def wikidata(properties: Iterable[str], names: dict[str, list[str]]) -> dict[str, RelationType]:
    """Return relation types for Wikidata properties, given the names and descriptions that come with FewRel."""
    return {
        key: RelationType(
            name=_UNLISTED_PROPERTIES[key] if key in _UNLISTED_PROPERTIES else names[key][0].split(",")[0][:80]
        )
        for key in sorted(properties)
    }


_PHEE_ROLES = {
    "Treatment": "The whole phrase that tells a therapy",
    "Effect": "The outcome of a treatment",
    "Subject": "The whole phrase that tells the patients",
    "Treatment.Drug": "A drug given",
    "Treatment.Disorder": "The illness that is treated",
    "Treatment.Route": "How a drug is given",
    "Treatment.Dosage": "How much is given",
    "Treatment.Time_elapsed": "Time since the treatment",
    "Treatment.Duration": "How long the treatment takes",
    "Treatment.Freq": "How often a drug is given",
    "Subject.Age": "Age of a patient",
    "Subject.Gender": "Gender of a patient",
    "Subject.Population": "Number of patients",
    "Subject.Race": "Race or nationality of a patient",
    "Subject.Disorder": "Another illness of a patient",
}
_PHEE_NAMES = {"Treatment.Disorder": "treated disorder", "Subject.Disorder": "patient disorder"}


PHEE_ROLE_KEYS = tuple(_PHEE_ROLES)


def phee_role_name(role: str) -> str:
    """Return the name under which a role of PHEE is asked."""
    return _PHEE_NAMES.get(role, role.rsplit(".", 1)[-1].replace("_", " ").lower())


PHEE = {
    name: EventType(
        name=told,
        description=description,
        roles=tuple(Role(name=phee_role_name(role), description=text) for role, text in _PHEE_ROLES.items()),
    )
    for name, told, description in (
        ("Adverse_event", "adverse event", "A treatment harms a patient"),
        ("Potential_therapeutic_event", "potential therapeutic event", "A treatment may help a patient"),
    )
}

FICTION_EVENT = {"EVENT": EventType(name="event", description="Anything that is told to have really happened")}


def geneva_name(name: str) -> str:
    """Return the name under which a type or a role of GENEVA is asked."""
    return name.replace("_", " ").lower()


def geneva(types: dict[str, set[str]]) -> dict[str, EventType]:
    """Return the event types of GENEVA, given the roles that occur with each."""
    return {
        name: EventType(name=geneva_name(name), roles=tuple(Role(name=geneva_name(role)) for role in sorted(roles)))
        for name, roles in sorted(types.items())
    }
