"""Print and drawings on a canvas, each with the pixels it covers.

Shapes are drawn without smoothing, by whole numbers alone, so a mask is exact and the same on every machine. The box of
a word is measured on its ink.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy
from numpy.typing import NDArray

from reamo_mcp.evaluation.mini.letters import Letters, letters_of
from reamo_mcp.media.run_lengths import Pixels, around
from reamo_mcp.models.roles import Line, ReadWord
from reamo_mcp.types.grounding import Box

Canvas = NDArray[numpy.uint8]
"""Shape (height, width, 3)."""
Colour = tuple[int, int, int]
_PIECE = re.compile(r"[\w'-]+|[^\w'-]+")


@dataclass(frozen=True)
class Printed:
    """A word that was drawn: ``text[start:end]`` of what was to print, its line and the box of its ink."""

    start: int
    end: int
    line: int
    box: Box


def blank_canvas(width: int, height: int, colour: Colour) -> Canvas:
    """Return a canvas of one colour."""
    return numpy.full((height, width, 3), colour, dtype=numpy.uint8)


def print_text(
    canvas: Canvas, text: str, left: int, top: int, width: int, size: int, colour: Colour
) -> tuple[list[Printed], int]:
    """Draw words in lines of at most ``width`` pixels; return them, and the top of the line that would follow."""
    letters = letters_of(size)
    printed: list[Printed] = []
    x, y, line, place = left, top, 0, 0
    for word in text.split(" "):
        long = letters.width(word)
        if x > left and x + long > left + width:
            x, y, line = left, y + size * 3 // 2, line + 1
        for piece in _PIECE.finditer(word):  # a full stop is no part of the name before it
            box = _draw_word(canvas, piece.group(), x + letters.width(word[: piece.start()]), y, letters, colour)
            printed.append(Printed(place + piece.start(), place + piece.end(), line, box))
        x += long + letters.width(" ")
        place += len(word) + 1
    return printed, y + size * 3 // 2


def print_width(text: str, size: int) -> int:
    """Return how many pixels a text takes in one line."""
    return letters_of(size).width(text)


def boxes_of(printed: Sequence[Printed], start: int, end: int) -> tuple[Box, ...]:
    """Return the boxes of ``text[start:end]``, one for each line it stands in. Only whole words are told apart."""
    lines: dict[int, Box] = {}
    for word in printed:
        if word.start < end and start < word.end:
            lines[word.line] = lines[word.line].union(word.box) if word.line in lines else word.box
    return tuple(lines.values())


def lines_of(text: str, printed: Sequence[Printed]) -> list[Line]:
    """Return what a perfect reader of print would read: the lines, each with its words."""
    lines: dict[int, list[tuple[str, Box]]] = {}
    place = 0
    for word in text.split(" "):
        pieces = [piece for piece in printed if place <= piece.start and piece.end <= place + len(word)]
        box = pieces[0].box
        for piece in pieces[1:]:
            box = box.union(piece.box)
        lines.setdefault(pieces[0].line, []).append((word, box))
        place += len(word) + 1
    return [_line(words) for _, words in sorted(lines.items())]


def _line(words: Sequence[tuple[str, Box]]) -> Line:
    read: list[ReadWord] = []
    place, around = 0, words[0][1]
    for word, box in words:
        read.append(ReadWord(start=place, end=place + len(word), box=box))
        around = around.union(box)
        place += len(word) + 1
    return Line(text=" ".join(word for word, _ in words), box=around, words=tuple(read), confidence=1.0)


def _draw_word(canvas: Canvas, word: str, x: int, y: int, letters: Letters, colour: Colour) -> Box:
    ink, begins = letters.drawn(word)
    height, width = ink.shape
    under = canvas[y : y + height, x + begins : x + begins + width]
    ink = ink[: under.shape[0], : under.shape[1]]
    weight = ink.astype(numpy.int64)[:, :, None]
    under[:] = (under * (255 - weight) + numpy.array(colour) * weight + 127) // 255
    seen = box_around(ink > 0)
    return Box(x=x + begins + seen.x, y=y + seen.y, width=seen.width, height=seen.height)


def draw_thing(canvas: Canvas, kind: str, left: int, top: int, size: int, colour: Colour, alike: int = 0) -> Pixels:
    """Draw a person, a building or a mountain of ``size`` pixels height; return the pixels it covers."""
    unit = size // 12
    middle = left + size // 2
    plane = _Plane(canvas.shape[0], canvas.shape[1])

    def rectangle(x0: int, y0: int, x1: int, y1: int) -> Pixels:
        return plane.rectangle(left + x0, top + y0, left + x1, top + y1)

    match kind:
        case "person":
            covered = plane.disc(middle, top + 2 * unit, 2 * unit) | plane.polygon(
                (middle - unit, top + 4 * unit),
                (middle + unit, top + 4 * unit),
                (middle + 3 * unit, top + 8 * unit),
                (middle - 3 * unit, top + 8 * unit),
            )
            for side in (-2, 1):
                covered |= plane.rectangle(middle + side * unit, top + 8 * unit, middle + (side + 1) * unit, top + size)
            mouth = top + 3 * unit
            dark = plane.rectangle(middle - unit, mouth, middle + unit, mouth + 1 + alike % 3)
            for side in (-1, 1):
                dark |= plane.disc(middle + side * unit, top + unit + unit // 3, unit // 3)
        case "organization":
            covered = rectangle(unit, 3 * unit, 11 * unit, size) | plane.polygon(
                (left, top + 3 * unit), (middle, top), (left + size, top + 3 * unit)
            )
            dark = plane.nothing()
            for floor in (4, 7):
                for window in (2, 5, 8):
                    dark |= rectangle(window * unit, floor * unit, (window + 2) * unit, (floor + 2) * unit)
        case "location":
            covered = plane.polygon((left, top + size), (left + 4 * unit, top), (left + 9 * unit, top + size))
            covered |= plane.polygon(
                (left + 5 * unit, top + size), (left + 9 * unit, top + 4 * unit), (left + size, top + size)
            )
            dark = plane.polygon(
                (left + 3 * unit, top + 3 * unit), (left + 4 * unit, top), (left + 5 * unit, top + 3 * unit)
            )
        case _:
            raise ValueError(f"there is no drawing of {kind!r}")
    canvas[covered] = colour
    canvas[covered & dark] = (colour[0] // 3, colour[1] // 3, colour[2] // 3)
    return covered


class _Plane:
    """The pixels of a canvas. A pixel belongs to a shape if its centre lies inside; all by whole numbers."""

    def __init__(self, height: int, width: int) -> None:
        # Twice the coordinates, so that centres of pixels are whole numbers too.
        self._y, self._x = numpy.ogrid[1 : 2 * height : 2, 1 : 2 * width : 2]

    def nothing(self) -> Pixels:
        return (self._x < 0) | (self._y < 0)

    def rectangle(self, left: int, top: int, right: int, bottom: int) -> Pixels:
        across = (self._x > 2 * left) & (self._x < 2 * right)
        return across & (self._y > 2 * top) & (self._y < 2 * bottom)

    def disc(self, x: int, y: int, radius: int) -> Pixels:
        return (self._x - 2 * x) ** 2 + (self._y - 2 * y) ** 2 < (2 * radius) ** 2

    def polygon(self, *corners: tuple[int, int]) -> Pixels:
        """Return the inside of a convex polygon whose corners follow each other clockwise on the screen."""
        inside = ~self.nothing()
        for (x0, y0), (x1, y1) in pairwise((*corners, corners[0])):
            inside &= (x1 - x0) * (self._y - 2 * y0) - (y1 - y0) * (self._x - 2 * x0) > 0
        return inside


def box_around(pixels: Pixels) -> Box:
    """Return the smallest box around the pixels of a mask that is not empty."""
    box = around(pixels)
    assert box is not None
    return box
