"""Masks as COCO compressed run lengths, read and written."""

from itertools import pairwise

import numpy
from numpy.typing import NDArray

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.types.grounding import Box, Mask

Pixels = NDArray[numpy.bool_]
"""True inside a region; shape (height, width)."""


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


def resized(pixels: Pixels, width: int, height: int) -> Pixels:
    """Return a mask at another size, by nearest neighbour."""
    if pixels.shape == (height, width):
        return pixels
    rows = (numpy.arange(height) * pixels.shape[0]) // height
    columns = (numpy.arange(width) * pixels.shape[1]) // width
    return pixels[rows][:, columns]


def around(pixels: Pixels) -> Box | None:
    """Return the smallest box around a mask, in its pixels; None for an empty one."""
    rows, columns = numpy.flatnonzero(pixels.any(axis=1)), numpy.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        return None
    left, top = int(columns[0]), int(rows[0])
    return Box(x=left, y=top, width=int(columns[-1]) + 1 - left, height=int(rows[-1]) + 1 - top)
