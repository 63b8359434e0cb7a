import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from reamo_mcp.types.grounding import Box, Grounding, Provenance, TextSpan, TimeSpan

sides = st.floats(min_value=0, max_value=1e4, allow_nan=False)
boxes = st.builds(Box, x=sides, y=sides, width=sides, height=sides)


@given(boxes, boxes)
def test_intersection_over_union_is_symmetric_and_between_0_and_1(one: Box, other: Box) -> None:
    shared = one.intersection_over_union(other)
    assert 0 <= shared <= 1.0000001
    assert shared == pytest.approx(other.intersection_over_union(one))


@given(boxes)
def test_a_box_with_area_is_identical_to_itself(box: Box) -> None:
    if box.area > 1e-6 and box.right > box.x and box.bottom > box.y:
        assert box.intersection_over_union(box) == pytest.approx(1, rel=1e-3)


@given(boxes, boxes)
def test_a_union_holds_both_boxes(one: Box, other: Box) -> None:
    joint = one.union(other)
    for box in (one, other):
        assert joint.x <= box.x
        assert joint.y <= box.y
        assert joint.right >= box.right - 1e-6
        assert joint.bottom >= box.bottom - 1e-6


def test_an_unknown_kind_of_grounding_is_refused_with_the_known_ones_named() -> None:
    with pytest.raises(ValidationError, match="image_region"):
        TypeAdapter[Grounding](Grounding).validate_python({"kind": "image_regoin", "id": "g1", "media_id": "m1"})


def test_a_span_without_characters_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least one character"):
        TextSpan(id="g1", media_id="m1", start=3, end=3, provenance=Provenance(model="m", step="read"))


def test_a_time_span_never_ends_before_it_starts() -> None:
    with pytest.raises(ValidationError, match="before it starts"):
        TimeSpan(start=2, end=1)
