import pytest
from pydantic import ValidationError

from reamo_mcp.types.extraction import Argument, Engine, Entity, Event, Extraction, Relation, Trigger
from reamo_mcp.types.grounding import AudioSegment, Box, Grounding, ImageRegion, Provenance, TextSpan, Via
from reamo_mcp.types.media import AudioMedium, ImageMedium, OpenedDocument, TextMedium
from reamo_mcp.types.reading import Reading

BY = Provenance(model="test", step="locate")
TEXT = TextMedium(id="m1", name="a.txt", sha256="0", format="utf-8", text="Ada met Lin.", encoding="utf-8")
IMAGE = ImageMedium(id="m2", name="a.png", sha256="1", format="png", width=10, height=10)
SOUND = AudioMedium(id="m3", name="a.wav", sha256="2", format="wav", duration=3)
SPEECH = Reading(id="m3.speech", media_id="m3", kind="transcript", model="test", text="ada met lin")


def entity(identity: str, *groundings: Grounding) -> Entity:
    return Entity(id=identity, type="person", name="Ada", groundings=groundings)


def span(identity: str = "g1", start: int = 0, end: int = 3, quote: str = "Ada") -> TextSpan:
    return TextSpan(id=identity, media_id="m1", start=start, end=end, quote=quote, provenance=BY)


def extraction(**parts: object) -> Extraction:
    whole = {
        "document": OpenedDocument(id="d1", media=(TEXT, IMAGE, SOUND)),
        "readings": (SPEECH,),
        "engine": Engine(profile="test", version="0"),
        **parts,
    }
    return Extraction.model_validate(whole)


def test_an_extraction_survives_its_own_json() -> None:
    heard = AudioSegment(
        id="g2", media_id="m3", start=0, end=1, quote="ada", via=Via(reading="m3.speech", start=0, end=3), provenance=BY
    )
    seen = ImageRegion(id="g3", media_id="m2", parts=(Box(x=0, y=0, width=1, height=1),), provenance=BY)
    whole = extraction(
        entities=(entity("e1", span(), heard, seen), entity("e2", span("g4", 8, 11, "Lin"))),
        relations=(Relation(id="r1", type="met", head="e1", tail="e2", evidence=("g1", "g4")),),
        events=(
            Event(
                id="v1",
                type="meet",
                trigger=Trigger(text="met", groundings=(span("g5", 4, 7, "met"),)),
                arguments=(Argument(role="participant", entity="e1"), Argument(role="place", value="here")),
            ),
        ),
    )
    assert Extraction.model_validate_json(whole.model_dump_json()) == whole


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ({"entities": (entity("e1", span(quote="Eve")),)}, "quotes what its source does not say"),
        ({"entities": (entity("e1", span()), entity("e1", span("g2")))}, "entity ids are not unique"),
        ({"entities": (entity("e1", span()), entity("e2", span()))}, "grounding ids are not unique"),
        ({"entities": (entity("e1", span().model_copy(update={"media_id": "m9"})),)}, "unknown medium"),
        ({"relations": (Relation(id="r1", type="met", head="e1", tail="e2"),)}, "unknown entity"),
        (
            {
                "entities": (entity("e1", span()),),
                "relations": (Relation(id="r1", type="met", head="e1", tail="e1", evidence=("g7",)),),
            },
            "unknown evidence",
        ),
        (
            {"entities": (entity("e1", span().model_copy(update={"via": Via(reading="m3.speech", start=0, end=3)})),)},
            "reading of another medium",
        ),
        (
            {
                "events": (
                    Event(id="v1", type="x", trigger=Trigger(text="t"), arguments=(Argument(role="a", entity="e9"),)),
                )
            },
            "unknown entity",
        ),
    ],
)
def test_an_extraction_with_a_false_reference_is_refused(parts: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        extraction(**parts)


def test_an_argument_is_an_entity_or_a_value_and_not_both() -> None:
    with pytest.raises(ValidationError, match="either an entity or a value"):
        Argument(role="place", entity="e1", value="here")
    with pytest.raises(ValidationError, match="either an entity or a value"):
        Argument(role="place")
