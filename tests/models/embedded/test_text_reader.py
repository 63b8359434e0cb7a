from collections.abc import Sequence
from functools import cache

import numpy
import pytest
from PIL import Image, ImageDraw, ImageFont

from reamo_mcp.errors import Cancelled
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.embedded.text_reader import EmbeddedTextReader
from reamo_mcp.models.roles import Failed, Found, Line
from reamo_mcp.types.grounding import Box

NAMES = ("Nancy Ajram", "Tom Baker", "Siemens AG", "London Symphony Orchestra", "University of Leeds", "Angela Merkel")


class CancelsAtOnce:
    def check(self) -> None:
        raise Cancelled("The work was cancelled")

    def progress(self, done: float, total: float, unit: str) -> None:
        pass


@cache
def reader() -> EmbeddedTextReader:
    return EmbeddedTextReader(threads=2)


def font(size: int) -> ImageFont.FreeTypeFont:
    chosen = ImageFont.load_default(size)
    assert isinstance(chosen, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return chosen


def poster(lines: Sequence[tuple[int, int, int, str]], size: tuple[int, int] = (900, 700)) -> Image.Image:
    """Draw lines of (x, y, font size, text) on paper."""
    image = Image.new("RGB", size, (250, 245, 230))
    draw = ImageDraw.Draw(image)
    for x, y, points, text in lines:
        draw.text((x, y), text, font=font(points), fill=(30, 20, 60))
    return image


def picture(image: Image.Image, scale: float = 1.0) -> Picture:
    """The picture as the decoder hands it out, reduced by the scale."""
    width, height = image.size
    if scale != 1.0:
        image = image.resize((round(width * scale), round(height * scale)), Image.Resampling.LANCZOS)
    return Picture(numpy.asarray(image), scale, width, height)


def lines_of(given: Picture) -> tuple[Line, ...]:
    (answer,) = reader().read([given], Unlimited())
    assert isinstance(answer, Found)
    return answer.items


def box_of(name: str, lines: Sequence[Line]) -> Box | None:
    for line in lines:
        start = line.text.find(name)
        if start >= 0:
            boxes = [word.box for word in line.words if word.start < start + len(name) and word.end > start]
            around = boxes[0]
            for box in boxes[1:]:
                around = around.union(box)
            return around
    return None


def drawn_box(x: int, y: int, points: int, text: str, name: str) -> Box:
    chosen = font(points)
    shift = chosen.getlength(text[: text.index(name)])
    left, top, right, bottom = chosen.getbbox(name)
    return Box(x=x + shift + left, y=y + top, width=right - left, height=bottom - top)


def test_names_on_a_poster_are_read_where_they_were_drawn() -> None:
    lines = [(40, 30 + 105 * row, 18 + 6 * row, f"{name} at the fair") for row, name in enumerate(NAMES)]
    for scale in (1.0, 0.8):
        found = lines_of(picture(poster(lines), scale))
        for (x, y, points, text), name in zip(lines, NAMES, strict=True):
            box = box_of(name, found)
            assert box is not None, f"{name} was not read at scale {scale}: {[line.text for line in found]}"
            assert box.intersection_over_union(drawn_box(x, y, points, text, name)) >= 0.6


def test_every_word_is_a_slice_of_its_line_and_stands_inside_the_picture() -> None:
    image = poster([(-30, 10, 60, "Cut off at the left"), (500, 300, 60, "and at the right"), (40, 655, 60, "below")])
    found = lines_of(picture(image.rotate(4, fillcolor=(250, 245, 230)), 0.7))
    assert len(found) >= 2
    for line in found:
        for word in line.words:
            assert line.text[word.start : word.end].strip() == line.text[word.start : word.end] != ""
        for box in (line.box, *(word.box for word in line.words)):
            assert box.x >= 0
            assert box.y >= 0
            assert box.right <= 900.01
            assert box.bottom <= 700.01


def test_columns_are_read_one_after_the_other_below_their_headline() -> None:
    left = ["The festival was founded", "by Layla Haddad in 1998", "and is loved by everyone"]
    right = ["Herbie Hancock played here", "before nine thousand people", "who came from far away"]
    lines = [(40, 30, 48, "A headline above both of them")]
    for row in range(3):
        lines += [(40, 140 + 40 * row, 28, left[row]), (480, 140 + 40 * row, 28, right[row])]
    lines.append((40, 320, 28, "A footer as wide as both columns of the page together"))
    texts = [line.text for line in lines_of(picture(poster(lines)))]
    assert texts == [lines[0][3], *left, *right, lines[-1][3]]


def test_rows_of_a_table_are_read_from_left_to_right() -> None:
    lines: list[tuple[int, int, int, str]] = []
    for row, (name, place) in enumerate((("Name", "Town"), ("Anna", "Oslo"), ("Berta", "Rome"), ("Carl", "Bonn"))):
        lines += [(40, 40 + 60 * row, 30, name), (500, 40 + 60 * row, 30, place)]
    assert [line.text for line in lines_of(picture(poster(lines)))] == [text for *_, text in lines]


def test_a_picture_without_text_gives_no_lines() -> None:
    gradient = numpy.linspace(0, 255, 640, dtype=numpy.uint8)[None, :, None].repeat(480, 0).repeat(3, 2)
    assert lines_of(Picture(gradient, 1.0, 640, 480)) == ()
    assert lines_of(picture(Image.new("RGB", (300, 200), "black"))) == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (3, 5), (31, 33), (20_000, 12)])
def test_pictures_of_any_shape_are_read(size: tuple[int, int]) -> None:
    assert lines_of(picture(Image.new("RGB", size, "white"))) == ()


def test_a_line_across_the_tiles_of_a_long_screenshot_is_read_once() -> None:
    image = Image.new("RGB", (700, 5000), "white")
    draw = ImageDraw.Draw(image)
    expected = [f"Message number {row} from Angela Merkel" for row in range(50)]
    for row, text in enumerate(expected):
        draw.text((40, 20 + 100 * row), text, font=font(28), fill="black")
    assert [line.text for line in lines_of(picture(image))] == expected


def test_a_picture_that_cannot_be_read_does_not_keep_others_from_being_read() -> None:
    broken = Picture(numpy.zeros((40, 40), numpy.uint8), 1.0, 40, 40)  # no colour channels
    good = picture(poster([(40, 40, 40, "Nancy Ajram")]))
    failed, found = reader().read([broken, good], Unlimited())
    assert isinstance(failed, Failed)
    assert isinstance(found, Found)
    assert [line.text for line in found.items] == ["Nancy Ajram"]


def test_a_cancelled_reader_stops() -> None:
    with pytest.raises(Cancelled):
        reader().read([picture(poster([(40, 40, 40, "Nancy Ajram")]))], CancelsAtOnce())
