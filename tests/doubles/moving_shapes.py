"""A film of coloured shapes that is drawn from a plan, so that every place in every frame is known."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy

from reamo_mcp.media.decoded import Frame, Picture
from reamo_mcp.types.grounding import Box
from tests.doubles.signal_modules import COLOURS

WIDTH, HEIGHT = 160, 120
STEP = 0.25
"""Seconds from frame to frame."""
SCALE = 0.5
"""Pixels of a frame for one of the original."""


@dataclass(frozen=True)
class Shape:
    """A rectangle of one colour that moves evenly to and fro; it is there from ``enters`` until ``leaves``."""

    colour: str
    size: tuple[int, int]
    start: tuple[float, float]
    speed: tuple[float, float]
    enters: int = 0
    leaves: int = 1_000_000

    def at(self, number: int) -> tuple[int, int, int, int] | None:
        """Return left, top, right and bottom edge in pixels of the frame, None while it is not there."""
        if not self.enters <= number < self.leaves:
            return None
        left, top = (
            _to_and_fro(begin + number * speed, room - size)
            for begin, speed, room, size in zip(self.start, self.speed, (WIDTH, HEIGHT), self.size, strict=True)
        )
        return round(left), round(top), round(left) + self.size[0], round(top) + self.size[1]


@dataclass(frozen=True)
class Film:
    """Shapes, the later ones in front, and a gray bar in front of all."""

    shapes: tuple[Shape, ...]
    bar: tuple[int, int] = (0, 0)

    def frames(self, first: int, last: int) -> Iterator[Frame]:
        """Yield the frames of these numbers."""
        for number in range(first, last):
            picture = Picture(self._painted(number)[0], SCALE, WIDTH / SCALE, HEIGHT / SCALE)
            yield Frame(number * STEP, (number + 1) * STEP, picture)

    def visible(self, number: int) -> dict[str, tuple[Box, float]]:
        """Return what shows of each shape: the box around it, in units of the original, and its share of the whole."""
        labels = self._painted(number)[1]
        seen: dict[str, tuple[Box, float]] = {}
        for index, shape in enumerate(self.shapes, 1):
            rows, columns = numpy.nonzero(labels == index)
            if len(rows):
                left, top = float(columns.min()), float(rows.min())
                wide, high = float(columns.max()) + 1 - left, float(rows.max()) + 1 - top
                box = Box(x=left / SCALE, y=top / SCALE, width=wide / SCALE, height=high / SCALE)
                seen[shape.colour] = box, len(rows) / (shape.size[0] * shape.size[1])
        return seen

    def _painted(self, number: int) -> "tuple[numpy.ndarray, numpy.ndarray]":
        pixels = numpy.full((HEIGHT, WIDTH, 3), 255, numpy.uint8)
        labels = numpy.zeros((HEIGHT, WIDTH), numpy.uint8)
        for index, shape in enumerate(self.shapes, 1):
            place = shape.at(number)
            if place is not None:
                left, top, right, bottom = place
                pixels[top:bottom, left:right] = COLOURS[shape.colour]
                labels[top:bottom, left:right] = index
        pixels[:, self.bar[0] : self.bar[1]] = 128
        labels[:, self.bar[0] : self.bar[1]] = 0
        return pixels, labels


def _to_and_fro(at: float, room: float) -> float:
    return room - abs(at % (2 * room) - room)
