# pyright: reportUnknownMemberType=false
# ... since the types of av leave some parameters open.
"""Films: a moving caption for each sentence, and a drawn thing that moves with its name below; every frame has gold.

Frames are kept without loss (FFV1 in Matroska), so what is decoded is what was drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

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
from reamo_mcp.evaluation.mini.poster import COLOURS
from reamo_mcp.evaluation.mini.story import Told
from reamo_mcp.evaluation.randomness import Dice
from reamo_mcp.types.grounding import Box

WIDTH, HEIGHT = 480, 270
FRAMES_PER_SECOND = 10
_SECONDS_PER_SENTENCE = 3
_PAPERS: tuple[tuple[Colour, Colour], ...] = (((245, 245, 240), (20, 20, 24)), ((28, 36, 60), (236, 236, 228)))


@dataclass(frozen=True)
class Frame:
    """A drawn frame: which sentence is in print and where its words are; the drawn thing and its label."""

    canvas: Canvas
    sentence: int
    words: tuple[Printed, ...]
    thing: Pixels | None
    label: tuple[Box, ...]

    def place(self, start: int, end: int) -> tuple[Box, ...]:
        """Return the boxes of ``text[start:end]`` of the sentence in print."""
        return boxes_of(self.words, start, end)

    @property
    def thing_box(self) -> Box | None:
        """The smallest box around the drawn thing."""
        return None if self.thing is None else box_around(self.thing)


@dataclass(frozen=True)
class Film:
    """The frames, shown at ``index / FRAMES_PER_SECOND`` seconds, and their colours."""

    frames: tuple[Frame, ...]
    paper: Colour
    ink: Colour

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.frames) / FRAMES_PER_SECOND


def render_film(told: Told, level: int, dice: Dice) -> Film:
    """Draw what is told. Level 1: captions rest; 2: they drift; 3: small, they drift faster and are away at times."""
    paper, ink = dice.choice(_PAPERS)
    size = {1: 24, 2: 21, 3: 18}[level]
    drift = {1: 0, 2: 1, 3: 2}[level]
    colour = dice.choice(COLOURS)
    direction = dice.choice((-1, 1))
    frames: list[Frame] = []
    per_sentence = _SECONDS_PER_SENTENCE * FRAMES_PER_SECOND
    total = per_sentence * len(told.sentences)
    for index in range(total):
        sentence, step = divmod(index, per_sentence)
        canvas = blank_canvas(WIDTH, HEIGHT, paper)
        thing, label = _draw_thing(canvas, told, index, total, direction, colour, ink)
        words: Sequence[Printed] = ()
        if level < 3 or 5 <= step < per_sentence - 5:
            left = 12 + drift * (step if direction > 0 else per_sentence - step) // 2
            words, _ = print_text(canvas, told.sentences[sentence].text, left, 14, WIDTH - 80, size, ink)
        frames.append(Frame(canvas, sentence, tuple(words), thing, label))
    return Film(tuple(frames), paper, ink)


def save_film(film: Film, path: Path) -> None:
    """Write a film without loss and without sound."""
    import av

    with av.open(str(path), "w", format="matroska", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("ffv1", rate=FRAMES_PER_SECOND)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr0"
        stream.time_base = Fraction(1, 1000)
        for index, frame in enumerate(film.frames):
            picture = av.VideoFrame.from_ndarray(frame.canvas, format="rgb24")
            picture.pts = index * 1000 // FRAMES_PER_SECOND
            picture.time_base = Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def _draw_thing(
    canvas: Canvas, told: Told, index: int, total: int, direction: int, colour: Colour, ink: Colour
) -> tuple[Pixels | None, tuple[Box, ...]]:
    if not told.depicted:
        return None, ()
    depicted = told.depicted[0]
    size, label_size = 96, 17
    wide = print_width(depicted.name, label_size)
    path = WIDTH - 60 - max(size, wide)
    along = index * path // total
    left = 30 + (along if direction > 0 else path - along)
    pixels = draw_thing(canvas, depicted.type, left + (max(size, wide) - size) // 2, HEIGHT - size - 34, size, colour)
    words, _ = print_text(
        canvas, depicted.name, left + (max(size, wide) - wide) // 2, HEIGHT - 28, wide + 8, label_size, ink
    )
    return pixels, boxes_of(words, 0, len(depicted.name))
