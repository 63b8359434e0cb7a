"""Posters: sentences in print above drawn things with their names below."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy
from PIL import Image

from reamo_mcp.evaluation.masks import Pixels
from reamo_mcp.evaluation.mini.drawing import (
    Canvas,
    Colour,
    Printed,
    blank_canvas,
    box_around,
    boxes_of,
    draw_thing,
    print_text,
    print_width,
)
from reamo_mcp.evaluation.mini.story import Told
from reamo_mcp.evaluation.randomness import Dice
from reamo_mcp.types.grounding import Box

WIDTH, HEIGHT = 640, 480
_PAPERS: tuple[tuple[Colour, Colour], ...] = (  # background and ink
    ((255, 255, 255), (16, 16, 16)),
    ((250, 243, 221), (40, 20, 10)),
    ((222, 236, 248), (10, 20, 60)),
    ((24, 34, 52), (240, 240, 230)),
)
_FAINT: tuple[tuple[Colour, Colour], ...] = (((236, 236, 230), (120, 120, 128)), ((60, 70, 84), (160, 168, 172)))
COLOURS: tuple[Colour, ...] = ((200, 60, 50), (40, 130, 80), (60, 90, 190), (190, 130, 30), (130, 60, 150))


@dataclass(frozen=True)
class DrawnThing:
    """A drawn thing: its pixels that can be seen, and where its name stands (empty for a nameless one)."""

    type: str
    name: str
    pixels: Pixels = field(repr=False)
    name_in_print: tuple[Printed, ...]

    @property
    def label(self) -> tuple[Box, ...]:
        """The boxes of the name below it."""
        return boxes_of(self.name_in_print, 0, len(self.name))

    @property
    def box(self) -> Box:
        """The smallest box around what can be seen."""
        return box_around(self.pixels)


@dataclass(frozen=True)
class Poster:
    """A rendered picture and its gold; ``ink`` and ``paper`` are the colours of print and background."""

    canvas: Canvas
    paper: Colour
    ink: Colour
    sentences: tuple[tuple[Printed, ...], ...]
    things: tuple[DrawnThing, ...]
    drawn_before_noise: Canvas

    def place(self, sentence: int, start: int, end: int) -> tuple[Box, ...]:
        """Return the boxes of ``text[start:end]`` of a sentence."""
        return boxes_of(self.sentences[sentence], start, end)


def render_poster(told: Told, level: int, dice: Dice) -> Poster:
    """Draw what is told. Level 1: large print; 2: smaller, coloured; 3: small, faint, grainy, with a distractor."""
    paper, ink = dice.choice({1: _PAPERS[:1], 2: _PAPERS, 3: _FAINT}[level])
    size = {1: 28, 2: 23, 3: 19}[level]
    canvas = blank_canvas(WIDTH, HEIGHT, paper)
    top = 20
    printed: list[tuple[Printed, ...]] = []
    for sentence in told.sentences:
        words, top = print_text(canvas, sentence.text, 24, top, WIDTH - 48, size, ink)
        printed.append(tuple(words))
        top += size // 2
    things = _draw_things(canvas, told, level, dice, ink)
    before = canvas.copy()
    if level == 3:
        canvas = _grainy(canvas, dice)
    return Poster(canvas, paper, ink, tuple(printed), tuple(things), before)


def _draw_things(canvas: Canvas, told: Told, level: int, dice: Dice, ink: Colour) -> list[DrawnThing]:
    """Draw the things side by side; at level 3 each covers a part of the one before."""
    size = 144
    count = len(told.depicted)
    colours = dice.sample(COLOURS, count)
    room = (WIDTH - 40) // max(count, 1)
    label_size = {1: 22, 2: 19, 3: 17}[level]
    things: list[DrawnThing] = []
    for index, depicted in enumerate(told.depicted):
        left = 20 + room * index + (room - size) // 2
        if level == 3 and not depicted.name and things:  # the distractor stands before a part of its neighbour
            before = things[-1].box
            left = round(before.right) - size // 3
        top = HEIGHT - size - 60
        pixels = draw_thing(canvas, depicted.type, left, top, size, colours[index], dice.below(3))
        things = [_without(thing, pixels) for thing in things]
        name: tuple[Printed, ...] = ()
        if depicted.name:
            wide = print_width(depicted.name, label_size)
            centre = left + size // 2
            at = min(max(8, centre - wide // 2), WIDTH - 8 - wide)
            words, _ = print_text(canvas, depicted.name, at, HEIGHT - 48, wide + 8, label_size, ink)
            name = tuple(words)
        things.append(DrawnThing(depicted.type, depicted.name, pixels, name))
    return things


def _without(thing: DrawnThing, covered: Pixels) -> DrawnThing:
    return replace(thing, pixels=thing.pixels & ~covered)


def _grainy(canvas: Canvas, dice: Dice) -> Canvas:
    """Add grain of at most 24 steps, the same on every machine."""
    pixels = canvas.astype(numpy.int16)
    seed = numpy.uint64(dice.bits())
    index = numpy.arange(pixels.shape[0] * pixels.shape[1], dtype=numpy.uint64)
    mixed = (index + seed) * numpy.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    grain = ((mixed >> numpy.uint64(40)) % numpy.uint64(49)).astype(numpy.int16) - 24
    noisy = pixels + grain.reshape(pixels.shape[:2])[:, :, None]
    return numpy.clip(noisy, 0, 255).astype(numpy.uint8)


def save_poster(poster: Poster, path: Path) -> None:
    """Write a poster as PNG."""
    Image.fromarray(poster.canvas).save(path, format="PNG")
