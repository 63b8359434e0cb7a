"""Boxes and times of each family, there and back, and what its documentation states of them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reamo_mcp.models.local.reasoner.answers import recorded, target
from reamo_mcp.models.local.reasoner.families.family import Family, Shown
from reamo_mcp.models.local.reasoner.families.qwen2_5_omni import Qwen2_5Omni
from reamo_mcp.models.local.reasoner.families.qwen3_omni import Qwen3Omni
from reamo_mcp.models.meta_parsing import parse
from reamo_mcp.models.meta_response import Corners, MetaCall, MetaResponse

FAMILIES: tuple[Family, ...] = (Qwen2_5Omni(), Qwen3Omni())
SIZES = st.tuples(st.integers(40, 8000), st.integers(40, 8000))
PART = st.floats(0, 1, allow_nan=False)


def call(box: Corners | None = None, time: tuple[float, float] | None = None, medium: str = "m2") -> MetaResponse:
    return MetaResponse(
        calls=(MetaCall(target="e1", medium=medium, module="video_tracker", instruction="a man", box=box, time=time),)
    )


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model_type)
@given(SIZES, SIZES, PART, PART, PART, PART)
def test_a_box_comes_back_within_half_a_step_of_the_familys_grid(
    family: Family, original: tuple[int, int], seen: tuple[int, int], a: float, b: float, c: float, d: float
) -> None:
    width, height = original
    shown = Shown((width, height), seen)
    box = (min(a, b) * width, min(c, d) * height, max(a, b) * width, max(c, d) * height)
    written = family.to_family(box, shown)
    assert all(place == int(place) >= 0 for place in written)
    steps = (1000, 1000) if isinstance(family, Qwen3Omni) else seen
    for place, back, length, step in zip(box, family.from_family(written, shown), original * 2, steps * 2, strict=True):
        assert abs(place - back) <= 0.5 * length / step + 1e-6


def test_boxes_of_qwen3_are_thousandths_of_the_picture() -> None:
    shown = Shown((1920, 1080), (672, 384))
    assert Qwen3Omni().from_family((0, 0, 1000, 1000), shown) == (0, 0, 1920, 1080)
    assert Qwen3Omni().from_family((250, 500, 750, 1000), shown) == (480, 540, 1440, 1080)


def test_boxes_of_qwen2_5_are_pixels_of_the_resized_picture() -> None:
    shown = Shown((1024, 768), (1036, 756))
    assert Qwen2_5Omni().from_family((518, 378, 1036, 756), shown) == pytest.approx((512, 384, 1024, 768))


@given(st.floats(0, 100_000, allow_nan=False), st.floats(0.1, 1000, allow_nan=False))
def test_times_stay_on_the_clock_of_the_recording_to_a_hundredth_of_a_second(start: float, length: float) -> None:
    for family in FAMILIES:
        parsed = parse(target(call(time=(start, start + length)), family, {}))
        (back,) = recorded(parsed.response, family, {}).calls
        assert back.time is not None
        assert math.dist(back.time, (start, start + length)) < 0.01


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model_type)
@pytest.mark.parametrize(
    "box",
    [(10, 10, 10, 40), (40, 10, 10, 40), (10, 40, 40, 10), (5000, 5000, 6000, 6000), (-400, 0, 300, 300)],
    ids=["no width", "right of its right", "upside down", "beyond", "half outside"],
)
def test_a_box_that_cannot_be_meant_is_dropped_and_the_call_kept(family: Family, box: Corners) -> None:
    shown = {"m2": Shown((640, 480), (644, 476))}
    assert recorded(call(box), family, shown).calls == call().calls


@pytest.mark.parametrize("time", [(4.0, 4.0), (5.0, 1.0), (-1.0, 2.0), (math.nan, 1.0)])
def test_a_time_that_cannot_be_meant_is_dropped_and_the_call_kept(time: tuple[float, float]) -> None:
    assert recorded(call(time=time), Qwen3Omni(), {}).calls == call().calls


def test_a_box_in_a_medium_that_has_no_picture_is_dropped() -> None:
    assert recorded(call((1, 1, 2, 2), medium="m9"), Qwen3Omni(), {}).calls == call(medium="m9").calls


def test_a_target_has_whole_numbers_for_boxes_as_the_grammar_wants_them() -> None:
    text = target(call((100.4, 50.2, 300.0, 200.0)), Qwen3Omni(), {"m2": Shown((1000, 1000), (980, 980))})
    assert '"box":[100,50,300,200]' in text
