# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# ... since pycocotools publishes no types.
from typing import Any

import numpy
import pytest
from pycocotools import mask as coco

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.evaluation.masks import filled, pixels_of
from reamo_mcp.evaluation.overlap import iou
from reamo_mcp.evaluation.places import overlaps_of_regions
from reamo_mcp.evaluation.randomness import Dice
from reamo_mcp.media.run_lengths import Pixels, around, decoded, encoded, resized
from reamo_mcp.types.grounding import Box, ImageRegion, Mask, Provenance

BY = Provenance(model="test", step="locate")


def _coco(pixels: Pixels) -> Mask:
    written: Any = coco.encode(numpy.asfortranarray(pixels.astype(numpy.uint8)))
    return Mask(size=(written["size"][0], written["size"][1]), counts=written["counts"].decode())


def _random(dice: Dice) -> Pixels:
    height, width = dice.between(1, 40), dice.between(1, 40)
    percent = dice.choice((0, 3, 50, 97, 100))
    return numpy.array([[dice.chance(percent) for _ in range(width)] for _ in range(height)], dtype=numpy.bool_)


@pytest.mark.parametrize("seed", range(60))
def test_run_lengths_are_those_of_pycocotools_and_come_back(seed: int) -> None:
    pixels = _random(Dice(f"rle {seed}"))
    mask = encoded(pixels)
    assert mask == _coco(pixels)
    assert (decoded(mask) == pixels).all()


def test_large_runs_come_back() -> None:
    pixels = numpy.zeros((3000, 2000), dtype=numpy.bool_)
    pixels[7:2900, 3:1999] = True
    assert encoded(pixels) == _coco(pixels)
    assert (decoded(encoded(pixels)) == pixels).all()


def test_run_lengths_that_do_not_fill_the_mask_are_refused() -> None:
    with pytest.raises(InvalidArgument):
        decoded(Mask(size=(5, 5), counts="5"))


@pytest.mark.parametrize("seed", range(30))
def test_the_iou_of_boxes_on_pixel_edges_is_that_of_pycocotools(seed: int) -> None:
    dice = Dice(f"boxes {seed}")

    def boxes() -> list[tuple[int, int, int, int]]:
        return [
            (dice.below(40), dice.below(40), dice.between(1, 20), dice.between(1, 20))
            for _ in range(dice.between(1, 4))
        ]

    def regions(sides: list[tuple[int, int, int, int]]) -> list[ImageRegion]:
        return [
            ImageRegion(id="g", media_id="picture", parts=(Box(x=x, y=y, width=wide, height=high),), provenance=BY)
            for x, y, wide, high in sides
        ]

    gold, predicted = boxes(), boxes()
    overlaps = overlaps_of_regions(regions(gold), regions(predicted), 60, 60)
    expected = coco.iou(numpy.array(predicted, float), numpy.array(gold, float), [0] * len(gold))
    for row in range(len(gold)):
        for column in range(len(predicted)):
            assert overlaps.iou(row, column) == pytest.approx(float(expected[column][row]), abs=1e-9)
            one, other = regions(gold)[row].parts[0], regions(predicted)[column].parts[0]
            assert one.intersection_over_union(other) == pytest.approx(float(expected[column][row]), abs=1e-9)


def test_several_boxes_are_their_union_and_cut_at_the_edge() -> None:
    boxes = (
        Box(x=-5, y=0, width=10, height=2),
        Box(x=3, y=0, width=4, height=2),
        Box(x=0.4, y=0.4, width=0.2, height=2),
    )
    pixels = filled(boxes, 6, 2)
    assert pixels.sum() == 12
    assert iou(12, 12, 12) == 1


def test_a_mask_of_another_size_is_compared_at_the_gold_size() -> None:
    small = numpy.array([[True, False]], dtype=numpy.bool_)
    region = ImageRegion(
        id="g", media_id="p", parts=(Box(x=0, y=0, width=1, height=1),), mask=encoded(small), provenance=BY
    )
    assert pixels_of(region, 4, 2).tolist() == [[True, True, False, False]] * 2


@pytest.mark.parametrize("seed", range(20))
def test_the_box_around_a_mask_holds_all_of_it_and_touches_it_on_every_side(seed: int) -> None:
    pixels = _random(Dice(f"around {seed}"))
    box = around(pixels)
    if box is None:
        assert not pixels.any()
        return
    inside = pixels[int(box.y) : int(box.bottom), int(box.x) : int(box.right)]
    assert inside.sum() == pixels.sum()
    assert inside[0].any()
    assert inside[-1].any()
    assert inside[:, 0].any()
    assert inside[:, -1].any()


def test_a_mask_at_twice_its_size_is_the_same_picture() -> None:
    pixels = _random(Dice("twice"))
    height, width = pixels.shape
    larger = resized(pixels, 2 * width, 2 * height)
    assert (larger[::2, ::2] == pixels).all()
    assert (larger[1::2, 1::2] == pixels).all()
