"""Regions as masks: boxes filled into pixels, and COCO run lengths read and written."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

import numpy
from numpy.typing import NDArray

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.types.grounding import Box, ImageRegion, Mask

Pixels = NDArray[numpy.bool_]
"""True inside a region; shape (height, width)."""


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
    pixels = decoded(region.mask)
    if pixels.shape == (height, width):
        return pixels
    rows = (numpy.arange(height) * pixels.shape[0]) // height
    columns = (numpy.arange(width) * pixels.shape[1]) // width
    return pixels[rows][:, columns]


def encoded(pixels: Pixels) -> Mask:
    """Return a mask as COCO compressed run lengths (as ``maskApi.c`` writes them).

    Runs of 0 and 1 in turn, column by column, beginning with 0; from the third on each run is told as its difference
    from the run two before; numbers in groups of 5 bits, lowest first, bit 6 set while more follow, plus 48 as ASCII.
    """
    flat = pixels.ravel(order="F")
    changes = numpy.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = [0, *changes.tolist(), flat.size]
    runs = [after - before for before, after in pairwise(edges)]
    if flat.size and flat[0]:
        runs.insert(0, 0)
    signs: list[str] = []
    for index, run in enumerate(runs):
        number = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            group = number & 0x1F
            number >>= 5
            more = number != -1 if group & 0x10 else number != 0
            signs.append(chr((group | 0x20 if more else group) + 48))
    return Mask(size=(pixels.shape[0], pixels.shape[1]), counts="".join(signs))


def decoded(mask: Mask) -> Pixels:
    """Return the pixels of COCO compressed run lengths. Raises InvalidArgument if they do not fill the mask."""
    height, width = mask.size
    runs: list[int] = []
    place = 0
    while place < len(mask.counts):
        number = shift = 0
        group = 0x20
        while group & 0x20 and place < len(mask.counts):
            group = ord(mask.counts[place]) - 48
            number |= (group & 0x1F) << shift
            shift += 5
            place += 1
        if group & 0x10:
            number -= 1 << shift
        runs.append(number + runs[-2] if len(runs) > 2 else number)
    if sum(runs) != height * width or any(run < 0 for run in runs):
        raise InvalidArgument(f"a mask of {height} x {width} has runs of {sum(runs)} pixels", "Write COCO run lengths")
    values = numpy.arange(len(runs)) % 2 == 1
    return numpy.repeat(values, runs).reshape((width, height)).T
