import pytest
from pydantic import ValidationError

from reamo_mcp.types.ontology import EntityType, EventType, Ontology, RelationType, Role


def test_plain_names_make_an_ontology() -> None:
    ontology = Ontology.of(entity_types=["person"], relation_types=["knows"], event_types=["meeting"])
    assert [entity.name for entity in ontology.entity_types] == ["person"]
    assert ontology.relation_types[0].head == ()


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ({"entity_types": (EntityType(name="a"), EntityType(name="a"))}, "entity types are listed twice: a"),
        ({"relation_types": (RelationType(name="r", head=("b",)),)}, "names an unknown entity type 'b'"),
        ({"event_types": (EventType(name="e", roles=(Role(name="x"), Role(name="x"))),)}, "lists roles twice: x"),
        ({"event_types": (EventType(name="e", roles=(Role(name="x", types=("b",)),)),)}, "unknown entity type 'b'"),
        ({"entity_type": ()}, "Extra inputs are not permitted"),
    ],
)
def test_a_faulty_ontology_is_refused_with_the_place_named(parts: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Ontology.model_validate(parts)
