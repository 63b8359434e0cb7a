import cv2
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.typing import NDArray
from PIL import Image

from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.embedded.code_detector import CodeDetector
from reamo_mcp.models.roles import Failed, Found, Region
from reamo_mcp.types.grounding import Box

# EAN-13: seven bars per digit; the first digit is told by which of the left six are of the "G" set.
LEFT = "0001101 0011001 0010011 0111101 0100011 0110001 0101111 0111011 0110111 0001011".split()
PARITY = "LLLLLL LLGLGG LLGGLG LLGGGL LGLLGG LGGLLG LGGGLL LGLGLG LGLGGL LGGLGL".split()


def article_number(first_twelve: str) -> str:
    total = sum(int(digit) * (1, 3)[index % 2] for index, digit in enumerate(first_twelve))
    return first_twelve + str(-total % 10)


def barcode(number: str) -> NDArray[numpy.uint8]:
    """One row of modules, 0 for bars and 255 between them."""
    right = ["".join("10"[int(bit)] for bit in digit) for digit in LEFT]
    sets = {"L": LEFT, "G": [digit[::-1] for digit in right]}
    halves = "".join(sets[kind][int(digit)] for kind, digit in zip(PARITY[int(number[0])], number[1:7], strict=True))
    bits = f"101{halves}01010{''.join(right[int(digit)] for digit in number[7:])}101"
    return numpy.array([[0 if bit == "1" else 255 for bit in bits]], numpy.uint8)


def placed(modules: NDArray[numpy.uint8], x: int, y: int, wide: int, high: int, paper: Image.Image) -> Box:
    """Draw the modules so many pixels wide and high; return the drawn box."""
    drawn = Image.fromarray(modules).resize(
        (modules.shape[1] * wide, modules.shape[0] * high), Image.Resampling.NEAREST
    )
    paper.paste(drawn.convert("RGB"), (x, y))
    return Box(x=x, y=y, width=drawn.width, height=drawn.height)


def qr_code(value: str) -> NDArray[numpy.uint8]:
    modules = numpy.asarray(cv2.QRCodeEncoder.create().encode(value), numpy.uint8)
    return modules[2:-2, 2:-2]  # without the white the encoder puts around it


def codes(paper: Image.Image, scale: float = 1.0) -> tuple[Region, ...]:
    width, height = paper.size
    small = paper.resize((round(width * scale), round(height * scale)), Image.Resampling.BOX)
    (answer,) = CodeDetector().detect([Picture(numpy.asarray(small), scale, width, height)], Unlimited())
    assert isinstance(answer, Found)
    return answer.items


@given(some.text(alphabet=some.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60))
@settings(max_examples=15, deadline=None)
def test_a_qr_code_is_read_where_it_was_drawn(value: str) -> None:
    paper = Image.new("RGB", (900, 700), "white")
    drawn = placed(qr_code(value), 300, 200, 7, 7, paper)
    found = codes(paper)
    assert [(region.type, region.value) for region in found] == [("qr_code", value)]
    assert found[0].box.intersection_over_union(drawn) >= 0.9


def test_several_codes_of_a_reduced_picture_have_boxes_in_original_units() -> None:
    paper = Image.new("RGB", (1600, 1200), (255, 250, 240))
    first = placed(qr_code("https://reamo.example/ä?x=1"), 100, 150, 12, 12, paper)
    second = placed(qr_code("tel:+4989555010"), 900, 700, 12, 12, paper)
    found = sorted(codes(paper, 0.5), key=lambda region: region.box.x)
    assert [region.value for region in found] == ["https://reamo.example/ä?x=1", "tel:+4989555010"]
    for region, drawn in zip(found, (first, second), strict=True):
        assert region.box.intersection_over_union(drawn) >= 0.85


def test_a_qr_code_without_white_around_it_is_read() -> None:
    paper = Image.new("RGB", (200, 200), "white")
    drawn = placed(qr_code("edge to edge"), 0, 0, 8, 8, paper)
    (found,) = codes(paper.crop((0, 0, round(drawn.width), round(drawn.height))))
    assert found.value == "edge to edge"
    assert found.box.right <= drawn.width


@pytest.mark.parametrize("wide", [2, 3, 4])
def test_a_barcode_is_read_where_it_was_drawn(wide: int) -> None:
    number = article_number("400638133393")
    paper = Image.new("RGB", (800, 500), "white")
    drawn = placed(barcode(number), 150, 120, wide, 150, paper)
    found = codes(paper)
    assert [(region.type, region.value) for region in found] == [("barcode", number)]
    assert found[0].box.intersection_over_union(drawn) >= 0.6


def test_a_code_that_cannot_be_decoded_is_not_reported() -> None:
    paper = Image.new("RGB", (600, 500), "white")
    modules = qr_code("some value that is destroyed").copy()
    modules[8:-8, 8:-8] = 0
    placed(modules, 100, 100, 8, 8, paper)
    wrong = barcode(article_number("400638133393")[:-1] + "0")
    placed(wrong, 100, 400, 3, 80, paper)
    assert codes(paper) == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (22, 22), (640, 480)])
def test_pictures_without_codes_give_none(size: tuple[int, int]) -> None:
    assert codes(Image.new("RGB", size, "white")) == ()


def test_a_picture_that_cannot_be_looked_at_fails_alone() -> None:
    broken = Picture(numpy.zeros((60, 60, 7), numpy.uint8), 1.0, 60, 60)
    good = Picture(numpy.zeros((60, 60, 3), numpy.uint8), 1.0, 60, 60)
    failed, found = CodeDetector().detect([broken, good], Unlimited())
    assert isinstance(failed, Failed)
    assert found == Found(())
