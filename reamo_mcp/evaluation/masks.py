"""Regions as masks: boxes filled into pixels, and masks at the size of the gold picture."""

from collections.abc import Sequence
from math import ceil

import numpy

from reamo_mcp.media.run_lengths import Pixels, decoded, resized
from reamo_mcp.types.grounding import Box, ImageRegion


def filled(parts: Sequence[Box], width: int, height: int) -> Pixels:
    """Return the union of boxes: a pixel belongs to a box when its centre lies inside (half-open)."""
    pixels = numpy.zeros((height, width), dtype=numpy.bool_)
    for box in parts:
        left, right = (min(max(ceil(edge - 0.5), 0), width) for edge in (box.x, box.right))
        top, bottom = (min(max(ceil(edge - 0.5), 0), height) for edge in (box.y, box.bottom))
        pixels[top:bottom, left:right] = True
    return pixels


def pixels_of(region: ImageRegion, width: int, height: int) -> Pixels:
    """Return a region at the size of the gold picture: its mask, by nearest neighbour if it has another size."""
    if region.mask is None:
        return filled(region.parts, width, height)
    return resized(decoded(region.mask), width, height)
