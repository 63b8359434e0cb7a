"""Print and drawings on a canvas, each with the pixels it covers.

Shapes are drawn without smoothing, so a mask is exact. Letters are the one scalable font that Pillow carries (Aileron);
the box of a word is measured on the ink that was really drawn. Another version of Pillow or FreeType may draw letters
a pixel otherwise: then pixels and gold change together.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.Image import Image as Canvas

from reamo_mcp.evaluation.masks import Pixels
from reamo_mcp.models.roles import Line, ReadWord
from reamo_mcp.types.grounding import Box

Colour = tuple[int, int, int]
_FAINTEST = 32  # of 255
_PIECE = re.compile(r"[\w'-]+|[^\w'-]+")


@dataclass(frozen=True)
class Printed:
    """A word that was drawn: ``text[start:end]`` of what was to print, its line and the box of its ink."""

    start: int
    end: int
    line: int
    box: Box


def font_of(size: int) -> ImageFont.FreeTypeFont:
    """Return the font of all print. ``size`` is in pixels."""
    font = ImageFont.load_default(size=size)
    assert isinstance(
        font, ImageFont.FreeTypeFont
    )  # the default is scalable where Pillow has FreeType, as its wheels do
    return font


def print_text(
    canvas: Canvas, text: str, left: int, top: int, width: int, size: int, colour: Colour
) -> tuple[list[Printed], int]:
    """Draw words in lines of at most ``width`` pixels; return them, and the top of the line that would follow."""
    font = font_of(size)
    blank = max(1, round(font.getlength(" ")))
    printed: list[Printed] = []
    x, y, line, place = left, top, 0, 0
    for word in text.split(" "):
        long = round(font.getlength(word))
        if x > left and x + long > left + width:
            x, y, line = left, y + round(size * 1.5), line + 1
        for piece in _PIECE.finditer(word):  # a full stop is no part of the name before it
            box = _draw_word(canvas, piece.group(), x + round(font.getlength(word[: piece.start()])), y, font, colour)
            printed.append(Printed(place + piece.start(), place + piece.end(), line, box))
        x += long + blank
        place += len(word) + 1
    return printed, y + round(size * 1.5)


def print_width(text: str, size: int) -> int:
    """Return how many pixels a text takes in one line."""
    font = font_of(size)
    words = text.split(" ")
    blank = max(1, round(font.getlength(" ")))
    return sum(round(font.getlength(word)) for word in words) + blank * (len(words) - 1)


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


def _draw_word(canvas: Canvas, word: str, x: int, y: int, font: ImageFont.FreeTypeFont, colour: Colour) -> Box:
    layer = Image.new("L", (round(font.getlength(word)) + 20, round(font.size * 2)), 0)
    ImageDraw.Draw(layer).text((10, 4), word, fill=255, font=font)
    layer = Image.fromarray(_clear(numpy.asarray(layer)))
    canvas.paste(colour, (x - 10, y - 4), layer)
    ink = layer.getbbox()
    assert ink is not None
    return Box(x=x - 10 + ink[0], y=y - 4 + ink[1], width=ink[2] - ink[0], height=ink[3] - ink[1])


def _clear(ink: NDArray[numpy.uint8]) -> NDArray[numpy.uint8]:
    """Drop ink so faint that it would vanish in faint print: the box of a word is that of ink that can be seen."""
    return numpy.where(ink < _FAINTEST, 0, ink).astype(numpy.uint8)


def draw_thing(canvas: Canvas, kind: str, left: int, top: int, size: int, colour: Colour, alike: int = 0) -> Pixels:
    """Draw a person, a building or a mountain of ``size`` pixels height; return the pixels it covers."""
    layer = Image.new("L", canvas.size, 0)
    pen = ImageDraw.Draw(layer)
    dark = Image.new("L", canvas.size, 0)
    detail = ImageDraw.Draw(dark)
    unit = size // 12
    middle = left + size // 2

    def box(pen_: ImageDraw.ImageDraw, x0: int, y0: int, x1: int, y1: int) -> None:
        pen_.rectangle((left + x0, top + y0, left + x1, top + y1), fill=255)

    match kind:
        case "person":
            head = 2 * unit
            pen.ellipse((middle - head, top, middle + head, top + 2 * head), fill=255)
            pen.polygon(
                [
                    (middle - unit, top + 4 * unit),
                    (middle + unit, top + 4 * unit),
                    (middle + 3 * unit, top + 8 * unit),
                    (middle - 3 * unit, top + 8 * unit),
                ],
                fill=255,
            )
            for side in (-2, 1):
                pen.rectangle((middle + side * unit, top + 8 * unit, middle + (side + 1) * unit, top + size), fill=255)
            for side in (-1, 1):
                eye = middle + side * unit
                detail.ellipse((eye - unit // 3, top + unit, eye + unit // 3, top + unit + 2 * unit // 3), fill=255)
            detail.line((middle - unit, top + 3 * unit, middle + unit, top + 3 * unit), fill=255, width=1 + alike % 3)
        case "organization":
            box(pen, unit, 3 * unit, 11 * unit, size)
            pen.polygon([(left, top + 3 * unit), (middle, top), (left + size, top + 3 * unit)], fill=255)
            for floor in (4, 7):
                for window in (2, 5, 8):
                    box(detail, window * unit, floor * unit, (window + 2) * unit, (floor + 2) * unit)
        case "location":
            pen.polygon([(left, top + size), (left + 4 * unit, top), (left + 8 * unit, top + size)], fill=255)
            pen.polygon(
                [(left + 5 * unit, top + size), (left + 9 * unit, top + 4 * unit), (left + size, top + size)], fill=255
            )
            detail.polygon(
                [(left + 3 * unit, top + 3 * unit), (left + 4 * unit, top), (left + 5 * unit, top + 3 * unit)], fill=255
            )
        case _:
            raise ValueError(f"there is no drawing of {kind!r}")
    canvas.paste(colour, (0, 0), layer)
    shade = (colour[0] // 3, colour[1] // 3, colour[2] // 3)
    covered = numpy.asarray(layer) > 0
    inside = Image.fromarray(numpy.where(covered, numpy.asarray(dark), 0).astype(numpy.uint8))
    canvas.paste(shade, (0, 0), inside)
    return covered


def box_around(pixels: Pixels) -> Box:
    """Return the smallest box around the pixels of a mask that is not empty."""
    rows, columns = numpy.flatnonzero(pixels.any(axis=1)), numpy.flatnonzero(pixels.any(axis=0))
    return Box(
        x=float(columns[0]),
        y=float(rows[0]),
        width=float(columns[-1] - columns[0] + 1),
        height=float(rows[-1] - rows[0] + 1),
    )
