from reamo_mcp.linking.agreed_types import with_agreed_types
from reamo_mcp.linking.located import LocatedEntity
from reamo_mcp.types.candidate import CandidateEntity, CandidateMention
from reamo_mcp.types.grounding import Provenance, TextSpan

NAMES = ("person", "location", "organization")
BY = Provenance(model="test", step="propose")


def named(name: str, kind: str, score: float | None) -> LocatedEntity:
    mention = CandidateMention(media_id="m1", quote=name, score=score, provenance=BY)
    place = TextSpan(
        id="", media_id="m1", quote=name, start=0, end=len(name), score=score, score_kind="none", provenance=BY
    )
    return LocatedEntity(CandidateEntity(id=name, type=kind, name=name, mentions=(mention,)), (place,), "text")


def types(*entities: LocatedEntity) -> list[str]:
    return [entity.candidate.type for entity in with_agreed_types(entities, NAMES)]


def test_a_doubtful_type_follows_the_sure_one_of_the_same_full_name() -> None:
    sure = named("Nordlys Institute", "organization", 0.98)
    assert types(named("NORDLYS INSTITUTE", "location", 0.64), sure) == ["organization", "organization"]


def test_what_is_sure_itself_and_what_nobody_is_sure_of_stays_as_it_is() -> None:
    assert types(named("New York", "location", 0.97), named("New York", "organization", 0.95)) == [
        "location",
        "organization",
    ]
    assert types(named("New York", "location", 0.85), named("New York", "organization", 0.5)) == [
        "location",
        "organization",
    ]


def test_names_of_one_word_and_other_names_stay_as_they_are() -> None:
    assert types(named("Washington", "person", 0.4), named("Washington", "location", 0.99)) == ["person", "location"]
    assert types(named("Paris Hilton", "person", 0.4), named("Paris", "location", 0.99)) == ["person", "location"]


def test_types_without_scores_and_types_that_are_no_names_stay_as_they_are() -> None:
    assert types(named("New York", "person", None), named("New York", "location", 0.99)) == ["person", "location"]
    assert types(named("May First", "date", 0.4), named("May First", "organization", 0.99)) == ["date", "organization"]
