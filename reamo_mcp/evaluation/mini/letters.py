"""The letters of all print: pictures of one font's letters in eight sizes, made once and shipped beside this module.

A font drawn anew looks otherwise with another FreeType, or with another library that lays out text. Pictures of its
letters, set side by side by whole pixels, look the same on every machine. The font is Aileron Regular of dotcolon.net
("No Rights Reserved."), as Pillow carries it; ``python -m reamo_mcp.evaluation.mini.letters`` draws ``letters.png`` and
``letters.json`` anew, after which the benchmark needs another version.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Ink = NDArray[numpy.uint8]
SIZES = (17, 18, 19, 21, 22, 23, 24, 28)
_SIGNS = "".join(map(chr, range(33, 127)))
_PICTURE, _MEASURES = (Path(__file__).with_name(f"letters.{kind}") for kind in ("png", "json"))
_FAINTEST = 32  # of 255: fainter ink would vanish in faint print, and the box of a word is that of ink that can be seen


@dataclass(frozen=True)
class Letters:
    """The letters of one size: the ink of each (height, width), how far right of the pen it begins, and its advance."""

    ink: dict[str, Ink]
    bearing: dict[str, int]
    advance: dict[str, int]

    def width(self, text: str) -> int:
        """Return how many pixels the pen moves along a text."""
        return sum(self.advance[sign] for sign in text)

    def drawn(self, text: str) -> tuple[Ink, int]:
        """Return the ink of a text without blanks, and how far right of the pen it begins. Rows begin at its top."""
        begins = min(0, self.bearing[text[0]])
        height = next(iter(self.ink.values())).shape[0]
        sheet = numpy.zeros((height, self.width(text) - begins + height), dtype=numpy.uint8)
        pen = -begins
        for sign in text:
            ink = self.ink[sign]
            place = sheet[:, pen + self.bearing[sign] : pen + self.bearing[sign] + ink.shape[1]]
            numpy.maximum(place, ink, out=place)
            pen += self.advance[sign]
        return sheet, begins


@lru_cache(maxsize=len(SIZES))
def letters_of(size: int) -> Letters:
    """Return the letters of a size of `SIZES`, in pixels."""
    measures = json.loads(_MEASURES.read_text(encoding="utf-8"))[str(size)]
    with Image.open(_PICTURE) as opened:
        sheet = numpy.asarray(opened.convert("L"))
    rows = sheet[measures["top"] : measures["top"] + measures["height"]]
    ink: dict[str, Ink] = {}
    bearing: dict[str, int] = {}
    advance: dict[str, int] = {" ": measures["blank"]}
    for sign, (left, width, begins, moves) in measures["letters"].items():
        ink[sign], bearing[sign], advance[sign] = rows[:, left : left + width], begins, moves
    return Letters(ink, bearing, advance)


def main() -> None:
    """Draw the letters of all sizes into one picture."""
    measures: dict[str, dict[str, object]] = {}
    rows: list[Ink] = []
    top = 0
    for size in SIZES:
        font = ImageFont.load_default(size=size)
        assert isinstance(font, ImageFont.FreeTypeFont)  # it is where Pillow has FreeType, as its wheels do
        height = sum(font.getmetrics()) + 2
        parts: list[Ink] = []
        places: dict[str, tuple[int, int, int, int]] = {}
        left = 0
        for sign in _SIGNS:
            layer = Image.new("L", (3 * size, height), 0)
            ImageDraw.Draw(layer).text((size, 0), sign, fill=255, font=font)
            ink = numpy.where(numpy.asarray(layer) < _FAINTEST, 0, numpy.asarray(layer)).astype(numpy.uint8)
            columns = numpy.flatnonzero(ink.any(axis=0))
            first, last = int(columns[0]), int(columns[-1]) + 1
            parts.append(ink[:, first:last])
            places[sign] = (left, last - first, first - size, round(font.getlength(sign)))
            left += last - first
        blank = max(1, round(font.getlength(" ")))
        measures[str(size)] = {"top": top, "height": height, "blank": blank, "letters": places}
        rows.append(numpy.concatenate(parts, axis=1))
        top += height
    sheet = numpy.zeros((top, max(row.shape[1] for row in rows)), dtype=numpy.uint8)
    for row, told in zip(rows, measures.values(), strict=True):
        start = int(str(told["top"]))
        sheet[start : start + row.shape[0], : row.shape[1]] = row
    Image.fromarray(sheet).save(_PICTURE, format="PNG", optimize=True)
    _MEASURES.write_text(f"{json.dumps(measures)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
