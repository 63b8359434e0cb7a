"""Where lines of text stand in a picture: a PP-OCR detector network and its differentiable binarisation.

The network gives each pixel the probability that it lies in the shrunken kernel of a text line; connected kernels are
grown back to lines (Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020).
"""

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING

from reamo_mcp.isolation.control import Control

if TYPE_CHECKING:
    import numpy
    from cv2.typing import MatLike
    from numpy.typing import NDArray

    Network = Callable[[NDArray[numpy.float32]], NDArray[numpy.float32]]
    Quad = NDArray[numpy.float32]  # corners of a line from its top left clockwise, shape (4, 2), in pixels

TILE_SIDE = 2016
TILE_OVERLAP = 224  # more than the height of a line that is read well at this size
SMALLEST_SIDE = 10  # below this many pixels no sign can be told from another
_SMALL_PICTURE = 640  # pictures with a longer side below this are enlarged twice: the network knows larger signs
_STRIDE = 32  # the network halves its input five times
_PIXEL_THRESHOLD = 0.3
_LINE_THRESHOLD = 0.5
_GROWTH = 1.6  # kernels grow back by area / perimeter times this, the inverse of how they were shrunk for training
_MOST_LINES = 2000  # in one tile; noise can make more


def detect_lines(pixels: "NDArray[numpy.uint8]", network: "Network", control: Control) -> "list[Quad]":
    """Return the text lines of an RGB picture, in no particular order. Wide or tall pictures are read in tiles."""
    import numpy

    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        return []
    rows, columns = _spans(height), _spans(width)
    kept: list[Quad] = []
    for (top, bottom), (left, right) in product(rows, columns):
        control.check()
        offset = numpy.array([left, top], numpy.float32)
        for corners in _detect_in_tile(pixels[top:bottom, left:right], network):
            quad = (corners + offset).astype(numpy.float32)
            kept = _with(kept, quad) if len(rows) * len(columns) > 1 else [*kept, quad]
    return kept


def _spans(side: int) -> list[tuple[int, int]]:
    """Return overlapping spans of at most `TILE_SIDE` that cover ``range(side)``."""
    if side <= TILE_SIDE:
        return [(0, side)]
    count = -(-(side - TILE_OVERLAP) // (TILE_SIDE - TILE_OVERLAP))
    last = side - TILE_SIDE
    return [(start, start + TILE_SIDE) for start in (round(last * index / (count - 1)) for index in range(count))]


def _with(kept: "list[Quad]", quad: "Quad") -> "list[Quad]":
    """Add a line found in one more tile. Of two that are the same line, cut by a tile's edge, the larger stays."""
    left, top, right, bottom = _bounds(quad)
    rest: list[Quad] = []
    for other in kept:
        other_left, other_top, other_right, other_bottom = _bounds(other)
        wide = min(right, other_right) - max(left, other_left)
        high = min(bottom, other_bottom) - max(top, other_top)
        area = (right - left) * (bottom - top)
        other_area = (other_right - other_left) * (other_bottom - other_top)
        if wide > 0 and high > 0 and wide * high > 0.5 * min(area, other_area):
            if other_area >= area:
                return kept
        else:
            rest.append(other)
    return [*rest, quad]


def _bounds(quad: "Quad") -> tuple[float, float, float, float]:
    left, top = quad.min(axis=0)
    right, bottom = quad.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def _detect_in_tile(tile: "NDArray[numpy.uint8]", network: "Network") -> "list[Quad]":
    import cv2
    import numpy

    height, width = tile.shape[:2]
    factor = 2.0 if max(height, width) < _SMALL_PICTURE else 1.0
    wide = max(_STRIDE, round(width * factor / _STRIDE) * _STRIDE)
    high = max(_STRIDE, round(height * factor / _STRIDE) * _STRIDE)
    resized = cv2.resize(tile, (wide, high)) if (wide, high) != (width, height) else tile
    # The network was trained on blue-green-red order, scaled to -1 .. 1.
    batch = (resized[:, :, ::-1].transpose(2, 0, 1)[None].astype(numpy.float32) / 127.5) - 1.0
    probability = network(numpy.ascontiguousarray(batch))[0, 0]
    kernels = (probability > _PIXEL_THRESHOLD).astype(numpy.uint8)
    kernels = cv2.dilate(kernels, numpy.ones((2, 2), numpy.uint8))
    contours, _ = cv2.findContours(kernels, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    scale = numpy.array([width / wide, height / high], numpy.float32)
    limit = numpy.array([width - 1, height - 1], numpy.float32)
    quads: list[Quad] = []
    for contour in contours[:_MOST_LINES]:
        centre, (length, breadth), angle = cv2.minAreaRect(contour)
        if min(length, breadth) < 3 or _mean_inside(probability, contour) < _LINE_THRESHOLD:
            continue
        growth = 2 * _GROWTH * length * breadth / (2 * (length + breadth))
        corners = cv2.boxPoints((centre, (length + growth, breadth + growth), angle))
        quad = numpy.clip(_clockwise(corners.astype(numpy.float32)) * scale, 0, limit)
        if min(_side(quad, 0, 1), _side(quad, 0, 3)) > 3:
            quads.append(quad)
    return quads


def _mean_inside(probability: "NDArray[numpy.float32]", contour: "MatLike") -> float:
    import cv2
    import numpy

    x, y, width, height = cv2.boundingRect(contour)
    inside = numpy.zeros((height, width), numpy.uint8)
    cv2.fillPoly(inside, [contour - numpy.array([x, y], contour.dtype)], 1)
    return float(cv2.mean(probability[y : y + height, x : x + width], inside)[0])


def _clockwise(corners: "Quad") -> "Quad":
    """Order the corners of a rectangle from its top left clockwise."""
    import numpy

    by_x = corners[numpy.argsort(corners[:, 0], kind="stable")]
    left = by_x[:2][numpy.argsort(by_x[:2, 1], kind="stable")]
    right = by_x[2:][numpy.argsort(by_x[2:, 1], kind="stable")]
    return numpy.stack([left[0], right[0], right[1], left[1]]).astype(numpy.float32)


def _side(quad: "Quad", start: int, end: int) -> float:
    x, y = quad[start] - quad[end]
    return float((x * x + y * y) ** 0.5)
